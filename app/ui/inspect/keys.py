"""The keys of the page Inspect: one table, of which actions, tooltips and the list are made."""

from __future__ import annotations

from app.inspecting.study import LEVELS
from app.ui.keys import Key

WAYS = ("panes", "swipe", "blink", "difference", "delta_e")
"""The ways to compare, in the order of their buttons."""
MOST_PANES = 6

CANVAS_KEYS: tuple[Key, ...] = (
    Key("panes", "Panes", ("P",), "Pictures side by side, zoomed and moved together", checkable=True),
    Key(
        "swipe",
        "Swipe",
        ("S",),
        "A left, B right of a divider: drag it, or move it with [ and ]",
        checkable=True,
    ),
    Key(
        "blink",
        "Blink",
        ("B",),
        "A and B in one place: pressed again, the other one is there at once",
        checkable=True,
    ),
    Key(
        "difference",
        "Difference",
        ("D",),
        "|A − B|: mean over R, G and B, in levels of 255",
        checkable=True,
    ),
    Key(
        "delta_e",
        "ΔE",
        ("E",),
        "CIEDE2000 of A and B: below 1 nobody sees it, from 3.5 on everybody does",
        checkable=True,
    ),
    Key("next_a", "Next picture for A", ("A",), "Show the next picture as A"),
    Key("previous_a", "Previous picture for A", ("Shift+A",), "Show the previous picture as A"),
    Key("next_b", "Next picture for B", ("N",), "Show the next picture as B"),
    Key("previous_b", "Previous picture for B", ("Shift+N",), "Show the previous picture as B"),
    Key("swap", "Swap A and B", ("X",), "Swap A and B"),
    Key("loupe", "Loupe", ("L",), "The pixels around the mouse, of every picture compared", checkable=True),
    Key("fit", "Fit", ("0", "Ctrl+0"), "Show the whole picture"),
    Key("actual", "1:1", ("Z",), "One picture pixel on one screen pixel"),
    Key("zoom_in", "Zoom in", ("+", "="), "Closer, about the middle"),
    Key("zoom_out", "Zoom out", ("-",), "Further away"),
    Key("divider_left", "Divider left", ("[",), "Move the divider left"),
    Key("divider_right", "Divider right", ("]",), "Move the divider right"),
    Key("clear_pin", "Release pixel", ("C",), "Forget the pixel that was clicked"),
    *(
        Key(f"panes_{count}", f"{count} panes", (str(count),), f"Show {count} panes side by side")
        for count in range(1, MOST_PANES + 1)
    ),
)

EXPORT_KEYS: tuple[Key, ...] = (
    Key(
        "export_view",
        "Picture with annotations",
        ("Ctrl+E",),
        "Write what is on screen to a PNG: titles, colour bars and marks, every pane at its own resolution",
    ),
    Key(
        "export_pixels",
        "Picture, pixels only",
        ("Ctrl+Shift+E",),
        "Write what is on screen to a PNG: nothing but the pixels, every pane at its own resolution",
    ),
)

STUDY_KEYS: tuple[Key, ...] = (
    *(
        Key(f"answer_{level}", f"Study: {words}", (str(level),), f"Answer {level}: the colours are {words}")
        for level, words in enumerate(LEVELS, start=1)
    ),
    Key("study_back", "Study: back", ("Backspace",), "See the picture before again, to answer anew"),
    Key("study_pause", "Study: pause", ("Esc",), "Leave; every answer is kept, and you go on here next time"),
)

PAGE_KEYS: tuple[Key, ...] = (
    Key("next_item", "Next pair", ("PgDown",), "Go to the next pair"),
    Key("previous_item", "Previous pair", ("PgUp",), "Go to the pair before"),
    Key("freeze_live", "Freeze", ("F",), "Take over the picture that is live now, with its result"),
    Key("open_source", "Open …", ("O", "Ctrl+O"), "Open a dataset, a folder of pairs or of results"),
    Key("choose_methods", "Methods", ("M",), "Choose the methods whose results are shown"),
    Key(
        "run_selected",
        "Run selected pairs",
        ("R",),
        "Make the results of the selected pairs, in the background",
    ),
    Key("run_all", "Run all pairs", ("Shift+R",), "Make the results of all pairs, in the background"),
    Key("cancel_run", "Cancel run", ("Ctrl+R",), "Stop after the result under way"),
    Key("find_item", "Filter", ("/",), "Filter the pairs by name"),
)
