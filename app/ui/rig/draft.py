"""The rig that is being put together: who is mono, who is colour, what they send. No Qt in here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from capture.discovery import VIKY_NAME
from capture.frames import ROLES, Layout, Role
from capture.pixel_formats import FORMATS
from capture.preview import PreviewCamera
from capture.rig import SettingValue
from capture.rig_budget import LIMIT_NODES, PlannedCamera, limit_settings
from capture.rig_file import VIKY_SETTINGS
from capture.spec import CameraSpec, GenicamSpec
from capture.traps.network import Adapter

Side = Literal["left", "right"]

ROLE_WORDS: dict[Role, str] = {"mono": "Mono", "color": "Colour"}

RATE_SETTINGS = ("AcquisitionFrameRateEnable", "AcquisitionFrameRate")


@dataclass(frozen=True)
class Chosen:
    """A camera that has a role.

    Attributes:
        pixel_format: empty: whatever it is set to.
        settings: the rig file's.
        limits: settings that hold it to its share of the link.
    """

    serial: str
    pixel_format: str = ""
    settings: dict[str, SettingValue] = field(default_factory=dict)
    limits: dict[str, SettingValue] = field(default_factory=dict)
    producer: Path | None = None


@dataclass(frozen=True)
class RigDraft:
    """A rig file in the making.

    Attributes:
        rate_hz: frame rate to set on both cameras, None leaves it to them.
        limited: each camera is to be held to its share of the link.
        base: the rig that is edited; what the page does not show is kept from it.
    """

    name: str = "my rig"
    mono: Chosen | None = None
    color: Chosen | None = None
    color_side: Side = "left"
    shares_trigger: bool = False
    rate_hz: float | None = None
    limited: bool = False
    base: GenicamSpec | None = None

    def camera(self, role: Role) -> Chosen | None:
        """Return who has this role."""
        return self.mono if role == "mono" else self.color

    def role_of(self, serial: str) -> Role | None:
        """Return the role of a camera, None without one."""
        for role in ROLES:
            chosen = self.camera(role)
            if chosen is not None and chosen.serial == serial:
                return role
        return None

    @property
    def complete(self) -> bool:
        """Tell whether both roles are taken."""
        return self.mono is not None and self.color is not None

    def side_of(self, role: Role) -> Side:
        """Return where a camera stands, seen from behind."""
        other: Side = "right" if self.color_side == "left" else "left"
        return self.color_side if role == "color" else other

    def role_at(self, side: Side) -> Role:
        """Return which camera stands there."""
        return "color" if side == self.color_side else "mono"

    def with_camera(self, role: Role, camera: PreviewCamera) -> RigDraft:
        """Give a camera a role; one that had the other role changes over, and its place is free."""
        serial, producer = camera.device.serial, Path(camera.device.producer)
        settings = self._known_settings(serial)
        if settings is None:
            settings = dict(VIKY_SETTINGS) if producer.name == VIKY_NAME else {}
        chosen = Chosen(serial, usual_format(role, camera), settings, producer=producer)
        cleared = self.without(serial)
        return replace(cleared, mono=chosen) if role == "mono" else replace(cleared, color=chosen)

    def without(self, serial: str) -> RigDraft:
        """Take a camera's role away."""
        return replace(
            self,
            mono=None if self.mono and self.mono.serial == serial else self.mono,
            color=None if self.color and self.color.serial == serial else self.color,
        )

    def with_format(self, role: Role, pixel_format: str) -> RigDraft:
        """Choose what a camera sends."""
        chosen = self.camera(role)
        if chosen is None:
            return self
        changed = replace(chosen, pixel_format=pixel_format)
        return replace(self, mono=changed) if role == "mono" else replace(self, color=changed)

    def swapped_sides(self) -> RigDraft:
        """Let the cameras change places; roles stay."""
        return replace(self, color_side="right" if self.color_side == "left" else "left")

    def spec(self) -> GenicamSpec:
        """Return the rig as its file says it. Raises ValueError while a role is free."""
        if self.mono is None or self.color is None:
            raise ValueError("a rig needs two cameras")
        base = self.base or GenicamSpec("", CameraSpec(""), CameraSpec(""))
        producers = [c.producer for c in (self.mono, self.color) if c.producer is not None]
        return replace(
            base,
            name=self.name.strip() or "my rig",
            mono=self.camera_spec(self.mono),
            color=self.camera_spec(self.color),
            producers=tuple(dict.fromkeys([*base.producers, *producers])),
            shares_trigger=self.shares_trigger,
            color_side=self.color_side,
        )

    def file_name(self) -> str:
        """Return the name of its file: the rig's, in letters that every file system takes."""
        return (re.sub(r"[^\w-]+", "_", self.name.strip()).strip("_").lower() or "my_rig") + ".toml"

    def camera_spec(self, chosen: Chosen) -> CameraSpec:
        """Return a camera as the rig file says it."""
        replaced = (*RATE_SETTINGS, *LIMIT_NODES)
        settings = {name: value for name, value in chosen.settings.items() if name not in replaced}
        if self.rate_hz is not None:
            settings |= {RATE_SETTINGS[0]: True, RATE_SETTINGS[1]: self.rate_hz}
        if self.limited:
            settings |= chosen.limits
        return CameraSpec(chosen.serial, chosen.pixel_format or None, settings)

    def _known_settings(self, serial: str) -> dict[str, SettingValue] | None:
        """Return what this rig sets on a camera, None for a camera it does not know."""
        known: list[Chosen | CameraSpec | None] = [self.mono, self.color]
        if self.base is not None:
            known += [self.base.mono, self.base.color]
        return next((dict(c.settings) for c in known if c is not None and c.serial == serial), None)


def draft_of(spec: GenicamSpec) -> RigDraft:
    """Return a rig that was saved, to be edited."""
    rates = {camera.settings.get(RATE_SETTINGS[1]) for camera in (spec.mono, spec.color)}
    rate = rates.pop() if len(rates) == 1 else None
    known_rate = float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None
    return RigDraft(
        name=spec.name,
        mono=_chosen(spec.mono),
        color=_chosen(spec.color),
        color_side=spec.color_side,
        shares_trigger=spec.shares_trigger,
        rate_hz=known_rate,
        limited=any(name in camera.settings for camera in (spec.mono, spec.color) for name in LIMIT_NODES),
        base=spec,
    )


def rebased(draft: RigDraft, file: GenicamSpec) -> RigDraft:
    """Return the rig over what its file says by now: other pages write to it too.

    What this page shows is kept from the draft; all else, and the settings of the cameras, from the file.
    """
    known = {camera.serial: dict(camera.settings) for camera in (file.mono, file.color)}

    def over(chosen: Chosen | None) -> Chosen | None:
        if chosen is None or chosen.serial not in known:
            return chosen
        return replace(chosen, settings=known[chosen.serial])

    return replace(draft, base=file, mono=over(draft.mono), color=over(draft.color))


def _chosen(camera: CameraSpec) -> Chosen:
    limits = {name: value for name, value in camera.settings.items() if name in LIMIT_NODES}
    return Chosen(camera.serial, camera.pixel_format or "", dict(camera.settings), limits)


def fitting_formats(role: Role, offered: Iterable[str]) -> tuple[str, ...]:
    """Return the formats a camera can have in this role, what the sensor saw before what was processed."""
    fitting = [f for f in offered if (FORMATS[f].layout is Layout.MONO) == (role == "mono")]
    return tuple(sorted(fitting, key=lambda name: FORMATS[name].processed))


def usual_format(role: Role, camera: PreviewCamera) -> str:
    """Return what to suggest: what the camera is set to if that fits, else raw, with few bits."""
    fitting = fitting_formats(role, camera.pixel_formats)
    if camera.pixel_format in fitting and not FORMATS[camera.pixel_format].processed:
        return camera.pixel_format
    return min(fitting, key=lambda name: (FORMATS[name].processed, FORMATS[name].bits), default="")


def guessed_role(camera: PreviewCamera) -> Role | None:
    """Return what a camera is by its sensor's filter, else by what it can send; None: it could be either.

    Mono cameras of some makers list Bayer formats too, so the filter comes first.
    """
    if camera.color_filter:
        return "mono" if camera.color_filter == "None" else "color"
    if any(FORMATS[name].layout not in (Layout.MONO, Layout.RGB) for name in camera.pixel_formats):
        return "color"
    if camera.pixel_formats and not fitting_formats("color", camera.pixel_formats):
        return "mono"
    return None


def draft_problems(draft: RigDraft, cameras: Mapping[str, PreviewCamera]) -> list[str]:
    """Return a line for each camera that cannot have its role; one that has not told its formats can."""
    problems = []
    for role in ROLES:
        chosen = draft.camera(role)
        camera = cameras.get(chosen.serial) if chosen is not None else None
        if camera is None or not camera.pixel_formats:
            continue
        if not fitting_formats(role, camera.pixel_formats):
            kind = "Mono" if role == "mono" else "Bayer, RGB or YUV"
            what = f"the {ROLE_WORDS[role].lower()} camera"
            problems.append(f"{camera.device} cannot be {what}: it offers no {kind} format.")
    return problems


def with_limits(
    draft: RigDraft, cameras: Mapping[str, PreviewCamera], adapters: Sequence[Adapter] = ()
) -> RigDraft:
    """Return the rig with each camera's share of the link worked out anew; as it is while one is missing."""
    planned = planned_cameras(draft, cameras)
    if len(planned) < len(ROLES) or draft.mono is None or draft.color is None:
        return draft
    mono, color = limit_settings(planned, adapters)
    return replace(draft, mono=replace(draft.mono, limits=mono), color=replace(draft.color, limits=color))


def planned_cameras(draft: RigDraft, cameras: Mapping[str, PreviewCamera]) -> list[PlannedCamera]:
    """Return what the cameras of a rig are to send, those that are there."""
    chosen = [(role, draft.camera(role)) for role in ROLES]
    return [
        PlannedCamera(ROLE_WORDS[role], cameras[camera.serial], draft.camera_spec(camera))
        for role, camera in chosen
        if camera is not None and camera.serial in cameras
    ]


def unused(path: Path) -> Path:
    """Return a path of which there is no file yet, with a number where needed: nothing is overwritten."""
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_stem(f"{path.stem}_{number}")
        number += 1
    return candidate
