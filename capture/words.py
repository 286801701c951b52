"""Texts of unknown origin (names of files, values in them) as a terminal and a window can show them."""

from __future__ import annotations


def printable(text: str, most: int = 200) -> str:
    """Return a text with characters escaped that a terminal would obey or could not show, cut if long."""
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text[:most]
    )
    return shown if len(text) <= most else f"{shown}…"
