"""The Rig page, and the wizard of the first run: find cameras, say which is which, save, open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from app.ui.pages import Host, Page
from app.ui.rig.draft import RigDraft, draft_of, guessed_role, rebased, unused, usual_format
from app.ui.rig.found import FoundCameras
from app.ui.rig.panel import RigPanel
from app.ui.rig.previews import Previews
from app.ui.rig.running import described_by
from app.ui.rig.search import DeviceSearch
from app.ui.rig.showing import Showing, Wanted
from capture.discovery import Device, is_simulated
from capture.errors import RigFileError
from capture.frames import ROLES, Role
from capture.preview import PreviewCamera, PreviewFrame, PreviewProblem
from capture.probe import ProducerReport
from capture.rig import CameraInfo
from capture.rig_file import load_rig_file, save_rig_file
from capture.spec import GenicamSpec


class RigPage(Page):
    """Cameras found at the left, the rig in the making at the right.

    While it is on screen, every camera that nobody else has open is opened for a small live picture; the
    cameras of the rig that runs are seen through the pipeline. All are let go of when the page is left, and
    before any rig is started.
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._draft = RigDraft()
        self._edited: Path | None = None
        self._touched = False
        self._on_screen = False
        self._reports: list[ProducerReport] = []
        self._devices: dict[str, Device] = {}
        self._cameras: dict[str, PreviewCamera] = {}
        self._running: dict[Role, CameraInfo] = {}
        self._released_at: int | None = None
        self.search = DeviceSearch(self)
        self.previews = Previews(self)
        self.showing = Showing(self.previews, host.bridge.taps.raw, self)
        self.found = FoundCameras(self)
        self.panel = RigPanel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.found, 1)
        row.addWidget(self.panel)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self.search.found.connect(self._on_found)
        self.previews.described.connect(self._on_described)
        self.previews.pictured.connect(self._on_pictured)
        self.previews.failed.connect(self._on_failed)
        self.showing.started.connect(self._on_showing)
        self.found.look_wanted.connect(self.look)
        self.found.file_wanted.connect(self._on_file_wanted)
        self.found.role_wanted.connect(self._on_role_wanted)
        self.found.blink_wanted.connect(self._on_blink_wanted)
        self.found.simulated_wanted.connect(self._on_simulated_wanted)
        self.panel.changed.connect(self._on_panel_changed)
        self.panel.dropped.connect(self._on_dropped)
        self.panel.swap_wanted.connect(self._on_swap_wanted)
        self.panel.save_wanted.connect(self.save)
        queued = Qt.ConnectionType.QueuedConnection
        self._host.bridge.status_changed.connect(self._on_status, queued)
        self._host.bridge.stopped.connect(self._on_status, queued)

    # --- coming and going ---

    @property
    def draft(self) -> RigDraft:
        """The rig in the making."""
        return self._draft

    def entered(self) -> None:
        """Look for cameras, and show the rig file that is open."""
        self._on_screen = True
        current = self._host.chooser.current.name
        if not self._touched and current.endswith(".toml"):
            self.edit(Path(current))
        self._fill_files()
        self._on_status()
        self.look()

    def left(self) -> None:
        """Let go of all cameras, in the background."""
        self._on_screen = False
        self._update_previews()

    def release(self, then: Callable[[], None]) -> None:
        """Let go of all cameras, then go on: a rig is about to open some, and none is shown until it has."""
        self._released_at = self._host.bridge.starts
        self.showing.release(then)

    def closed(self) -> None:
        """Wait until the cameras are free."""
        self.search.stop()
        self.previews.wait()

    def look(self) -> None:
        """Look for cameras, again or for the first time."""
        self.found.show_searching()
        # A camera that the preview holds would look like one that another program has taken.
        self.showing.release(self.search.start)

    # --- cameras ---

    def _on_found(self, reports: list[ProducerReport]) -> None:
        self._reports = reports
        self._devices = {}
        for report in reports:
            for device in report.devices:
                self._devices.setdefault(device.serial, device)
        self._cameras = {s: c for s, c in self._cameras.items() if s in self._devices}
        self.found.show_reports(reports, self._listed())
        self._describe_running()
        self._update_previews()
        self._refresh()

    def _listed(self) -> dict[str, Device]:
        """Return the cameras to show: simulated ones only where wanted, or in use."""
        used = {c.serial for role in ROLES if (c := self._draft.camera(role)) is not None}
        used |= {info.serial for info in self._running.values()}
        simulated = self.found.wants_simulated(self._devices)
        return {
            serial: device
            for serial, device in self._devices.items()
            if simulated or serial in used or not is_simulated(Path(device.producer))
        }

    def _update_previews(self) -> None:
        """Say which cameras to show now: none while a rig is being opened, or cameras are looked for."""
        wanted = Wanted()
        if self._on_screen and self._reports and not (self._rig_is_opening() or self.search.searching):
            producers = dict.fromkeys(Path(device.producer) for device in self._listed().values())
            running = sorted((role, info.serial) for role, info in self._running.items())
            wanted = Wanted(tuple(producers), tuple(running))
        self.showing.want(wanted)

    def _rig_is_opening(self) -> bool:
        """Tell whether the pipeline is about to take cameras, or busy with it."""
        bridge = self._host.bridge
        if self._released_at is not None:
            if self.showing.releasing or (bridge.running and bridge.starts == self._released_at):
                return True  # another rig is still being stopped first
            self._released_at = None
        status = bridge.status()
        return bridge.running and status.rig is None and status.state != "failed"

    def _on_showing(self) -> None:
        self.found.show_running(self._running)

    def _on_status(self) -> None:
        # Asked for anew: what a signal brings may be of the rig before.
        rig = self._host.bridge.status().rig if self._host.bridge.running else None
        cameras: dict[Role, CameraInfo] = {}
        if rig is not None and rig.kind == "genicam":
            cameras = {"mono": rig.mono, "color": rig.color}
        self.found.libraries.show_in_use(frozenset(one.path for one in rig.libraries) if rig else frozenset())
        serials = {role: info.serial for role, info in cameras.items()}
        if serials != {role: info.serial for role, info in self._running.items()}:
            self._running = cameras
            self.panel.set_saved(saved=self._is_running())
            self._describe_running()
        self._update_previews()

    def _describe_running(self) -> None:
        """Say of the cameras of the rig that runs what the pipeline knows, if nothing else is known."""
        for role, info in self._running.items():
            device = self._devices.get(info.serial)
            if device is not None and info.serial not in self._cameras:
                self._cameras[info.serial] = described_by(self._host.bridge.settings(role), info, device)
                self._refresh()

    def _on_described(self, camera: PreviewCamera) -> None:
        serial = camera.device.serial
        self._cameras[serial] = camera
        self.found.show_camera(camera)
        role = self._draft.role_of(serial)
        chosen = self._draft.camera(role) if role else None
        if role and chosen and not chosen.pixel_format and not self._edited:
            self._draft = self._draft.with_format(role, usual_format(role, camera))
        elif not self._touched and self._edited is None:
            self._suggest(camera)
        self._refresh()

    def _suggest(self, camera: PreviewCamera) -> None:
        """Give a camera the role that its formats leave no doubt about, if it is free."""
        role = guessed_role(camera)
        if role is not None and self._draft.camera(role) is None:
            self._draft = self._draft.with_camera(role, camera)

    def _on_pictured(self, frame: PreviewFrame) -> None:
        self.found.show_frame(frame)
        self.panel.places.show_frame(frame)

    def _on_failed(self, problem: PreviewProblem) -> None:
        if problem.serial:
            self.found.show_problem(problem)
        else:
            self._host.banner.show_failure(problem.text)

    def _on_blink_wanted(self, serial: str) -> None:
        device = self._devices.get(serial)
        if device is not None:
            self.previews.blink(Path(device.producer), serial)

    def _on_simulated_wanted(self) -> None:
        self.found.show_reports(self._reports, self._listed())
        self._update_previews()
        self._refresh()

    # --- the rig in the making ---

    def _change(self, draft: RigDraft) -> None:
        if draft != self._draft:
            self._draft = draft
            self._touched = True
            self.panel.set_saved(saved=False)
            self._refresh()

    def _on_role_wanted(self, serial: str, role: str) -> None:
        if not role:
            self._change(self._draft.without(serial))
        elif serial in self._devices:
            known = self._cameras.get(serial) or PreviewCamera(self._devices[serial])
            self._change(self._draft.with_camera("mono" if role == "mono" else "color", known))

    def _on_dropped(self, role: str, serial: str) -> None:
        self._on_role_wanted(serial, role)

    def _on_swap_wanted(self) -> None:
        self._change(self._draft.swapped_sides())

    def _on_panel_changed(self, draft: RigDraft) -> None:
        self._change(draft)

    def _refresh(self) -> None:
        self.panel.show_draft(self._draft, self._cameras, frozenset(self._devices), self.file)
        self.found.show_roles(self._draft)

    # --- files ---

    @property
    def file(self) -> Path:
        """Where the rig is saved: where it came from, else in the user's own folder."""
        return self._edited or self._host.settings.rig_folder / self._draft.file_name()

    def _fill_files(self) -> None:
        recent = [name for name in self._host.settings.recent_rigs if name.endswith(".toml")]
        self.found.show_files(recent, str(self._edited) if self._edited else "")

    def _on_file_wanted(self, name: str) -> None:
        if name:
            self.edit(Path(name))
        else:
            self._draft, self._edited, self._touched = RigDraft(), None, False
            for camera in self._cameras.values():
                self._suggest(camera)
            self.panel.set_saved(saved=False)
            self._refresh()
        self._fill_files()

    def edit(self, path: Path) -> None:
        """Show a rig file to be changed; what is wrong with it is said in the banner."""
        try:
            spec = load_rig_file(path)
        except RigFileError as error:
            self._host.banner.show_failure(str(error))
            return
        if not isinstance(spec, GenicamSpec):
            self._host.banner.show_failure(f"{path.name} is no rig of two cameras: nothing to set up here.")
            return
        self._draft, self._edited, self._touched = draft_of(spec), path, False
        self.panel.set_saved(saved=self._is_running())
        if self._reports:
            self.found.show_reports(self._reports, self._listed())
            self._update_previews()
        self._refresh()

    def save(self) -> None:
        """Write the rig file and open the rig."""
        path = self.file
        try:
            draft = self.panel.final(self._cameras)
            if self._edited is None:
                path = unused(path)
            elif path.is_file():
                before = load_rig_file(path)
                draft = rebased(draft, before) if isinstance(before, GenicamSpec) else draft
            spec = draft.spec()
            save_rig_file(spec, path)
        except (RigFileError, ValueError) as error:
            self._host.banner.show_failure(str(error))
            return
        self._draft, self._edited, self._touched = draft_of(spec), path, False
        self._host.toast.flash(f"Saved {path.name}")
        self._host.chooser.choose(str(path))
        self._fill_files()
        self._refresh()

    def _is_running(self) -> bool:
        return bool(self._running) and all(
            (chosen := self._draft.camera(role)) is not None and chosen.serial == info.serial
            for role, info in self._running.items()
        )
