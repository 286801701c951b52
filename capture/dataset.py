"""Captured pairs on disk, in and out. The format is described in docs/dataset.md."""

from capture.dataset_edits import DatasetEditor, Edit
from capture.dataset_events import DatasetEvent, read_events
from capture.dataset_notes import PairNote, SessionAbout, read_notes, write_notes
from capture.dataset_reader import DatasetReader
from capture.dataset_records import FrameRecord, PairRecord
from capture.dataset_repair import Repairs
from capture.dataset_writer import DatasetWriter, SavedGroup

__all__ = [
    "DatasetEditor",
    "DatasetEvent",
    "DatasetReader",
    "DatasetWriter",
    "Edit",
    "FrameRecord",
    "PairNote",
    "PairRecord",
    "Repairs",
    "SavedGroup",
    "SessionAbout",
    "read_events",
    "read_notes",
    "write_notes",
]
