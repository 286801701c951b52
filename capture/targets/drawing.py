"""Shapes that a target is made of, in mm, x right, y down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """A filled rectangle; (x_mm, y_mm) is its upper left corner."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class Disc:
    """A filled circle around (x_mm, y_mm)."""

    x_mm: float
    y_mm: float
    radius_mm: float


Shape = Rectangle | Disc
