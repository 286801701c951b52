"""Finds the board in pairs of images: views to solve a rig from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capture.board_images import BoardImages
from capture.coverage import BoardView
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.targets import Detection, NotSeen, Target, common_ids

SMALLEST_NUMBER_OF_VIEWS = 6
# Points that both cameras must see for a view to say how they stand to each other.
FEWEST_COMMON = 8


def see_boards(
    images: Sequence[BoardImages],
    target: Target,
    on_view: Callable[[int, str, str], None] = lambda *_: None,
) -> list[BoardView]:
    """Find the target in every pair; pairs in which neither camera sees it are left out.

    Args:
        images: the pairs.
        target: what to look for.
        on_view: called after each pair with its position, its name and why it is not whole ("" if it is);
            what it raises ends the work.

    Raises:
        CalibrationError: an image cannot be read, sizes differ, or the target is seen in too few pairs.
    """
    views: list[BoardView] = []
    sizes: dict[Role, tuple[int, int]] = {}
    for position, pair in enumerate(images):
        seen: dict[Role, Detection | NotSeen] = {}
        for role in ROLES:
            image = pair.load(role)
            size = image.shape[1], image.shape[0]
            if sizes.setdefault(role, size) != size:
                raise CalibrationError(
                    f"the {role} image of {pair.name} is {size[0]}×{size[1]}, that of {images[0].name} "
                    f"{sizes[role][0]}×{sizes[role][1]}: all must have one size"
                )
            seen[role] = target.detect(image)
        view, why = as_view(pair.name, seen["mono"], seen["color"], target)
        if view is not None:
            views.append(view)
        on_view(position, pair.name, why)
    if not views:
        raise CalibrationError(
            f"no target ({target}) in any of {len(images)} pairs: is it the one of these settings?"
        )
    require_views(len([view for view in views if is_stereo(view)]), len(images))
    return views


def as_view(
    name: str, mono: Detection | NotSeen, color: Detection | NotSeen, target: Target
) -> tuple[BoardView | None, str]:
    """Return the view of two detections (None if neither camera saw the target) and what it lacks."""
    why = "; ".join(
        f"{word}: {seen.reason}"
        for word, seen in (("mono", mono), ("colour", color))
        if isinstance(seen, NotSeen)
    )
    if isinstance(mono, Detection) and isinstance(color, Detection):
        return BoardView(name, *target.paired(mono, color)), ""
    if isinstance(mono, NotSeen) and isinstance(color, NotSeen):
        return None, why
    return BoardView(
        name,
        None if isinstance(mono, NotSeen) else mono,
        None if isinstance(color, NotSeen) else color,
    ), why


def is_stereo(view: BoardView) -> bool:
    """Return whether a view tells how the cameras stand to each other."""
    return (
        view.mono is not None
        and view.color is not None
        and common_ids(view.mono, view.color)[0].size >= FEWEST_COMMON
    )


def require_views(found: int, of: int) -> None:
    """Check that enough views were found. Raises CalibrationError."""
    if found < SMALLEST_NUMBER_OF_VIEWS:
        raise CalibrationError(
            f"both cameras see the board in {found} of {of} pairs: {SMALLEST_NUMBER_OF_VIEWS} are needed"
        )
