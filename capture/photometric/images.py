"""Images to measure from: a file, a folder with mono/ and color/, or a captured dataset."""

from __future__ import annotations

from pathlib import Path

from capture.dataset import DatasetReader
from capture.develop import develop
from capture.errors import CalibrationError, DatasetError
from capture.frames import Image, Role
from capture.images import image_files, read_image


def load_images(path: Path, role: Role) -> list[Image]:
    """Return the developed images of one camera, H×W or H×W×3 RGB, uint8 or full-scale uint16.

    A file is taken for either camera; of a folder without images of this camera the list is empty.

    Raises CalibrationError: nothing there, or an image that cannot be read.
    """
    try:
        if (path / "pairs.jsonl").exists():
            reader = DatasetReader.open(path)
            pairs = [reader.load(record) for record in reader]
            return [develop(pair.mono if role == "mono" else pair.color) for pair in pairs]
        if path.is_dir():
            folder = path / role
            return [read_image(file) for file in image_files(folder).values()] if folder.is_dir() else []
        if not path.is_file():
            raise CalibrationError(f"{path} does not exist")
        return [read_image(path)]
    except DatasetError as error:
        raise CalibrationError(str(error)) from error
