"""The keys of the page Dataset."""

from __future__ import annotations

from app.ui.keys import Key

DATASET_KEYS: tuple[Key, ...] = (
    Key("open", "Open dataset …", ("Ctrl+O",), "Open a dataset, or a folder with mono/ and color/"),
    Key("find", "Find", ("Ctrl+F", "/"), "Search name, tags and mode"),
    Key("show_all", "Show all", ("Esc",), "Forget all filters; leave the trash"),
    Key("view", "Sheet or table", ("V",), "Contact sheet or table"),
    Key("larger", "Larger", ("+", "=", "Ctrl++"), "Larger thumbnails (also Ctrl and the wheel)"),
    Key("smaller", "Smaller", ("-", "Ctrl+-"), "Smaller thumbnails"),
    Key("inspect", "Inspect", ("I",), "Inspect the selected pairs (also Enter or a double click)"),
    Key("tag", "Tag", ("T",), "Tag the selected pairs; -tag takes a tag away"),
    Key(
        "exclude", "Exclude", ("X",), "Leave the selected pairs out of training and export, or use them again"
    ),
    Key(
        "trash",
        "Move to trash",
        ("Del", "Backspace"),
        "Move the selected pairs to the trash, or back from it",
    ),
    Key("show_trash", "Trash", ("B",), "Show what lies in the trash", checkable=True),
    Key("undo", "Undo", ("Ctrl+Z",), "Take back the last edit"),
    Key("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Do it again"),
)

HANDS: tuple[tuple[str, str], ...] = (
    ("Ctrl+A", "Select all that are shown"),
    ("Arrows  Home  End", "Walk through the pairs; with Shift, select on the way"),
    ("Enter  double click", "Open in Inspect"),
    ("Ctrl, Shift  click", "Select several; a drag selects what it touches"),
    ("Ctrl+wheel", "Larger or smaller thumbnails"),
)
