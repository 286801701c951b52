"""The page: three steps, and what has to do with files and with the running rig."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QMenu,
    QStackedWidget,
    QVBoxLayout,
)

from app.calibrating.collection import CollectionState
from app.calibrating.ranges import SceneRange
from app.pipeline.calibrations import save_keeping_former
from app.pipeline.status import PipelineStatus
from app.ui.calibration.capture_step import CaptureStep
from app.ui.calibration.check_step import CheckStep, range_of
from app.ui.calibration.dialogs import Dialogs
from app.ui.calibration.jobs import Job
from app.ui.calibration.light_step import LightStep
from app.ui.calibration.lighting import Lighting
from app.ui.calibration.model import CalibrationModel
from app.ui.calibration.previewing import Previewing
from app.ui.calibration.result_step import ResultStep
from app.ui.calibration.step_bar import StepBar
from app.ui.pages import Host, Page
from app.ui.settings import UiSettings
from capture.board_pdf import PAPERS, usual_target, write_board
from capture.calibrate import RigSolution
from capture.calibration import RigCalibration
from capture.errors import CalibrationError
from capture.rig import RigInfo
from capture.targets import Chessboard, Target, target_from_table, target_to_table
from capture.virtual.board import INNER_CORNERS, SQUARE_MM
from models.engine import SearchRange

VIRTUAL_BOARD = Chessboard(*INNER_CORNERS, SQUARE_MM)


class CalibrationPage(Page):
    """Shots, result, check."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._bridge, self._settings = host.bridge, host.settings
        target = load_target(self._settings)
        self.model = CalibrationModel(self._bridge, target, self._settings.calibration_folder, self)
        self.previewing = Previewing(self._bridge, self)
        self.lighting = Lighting(self._bridge, self)
        self._rig: RigInfo | None = None
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._running = False
        self._in_use: RigCalibration | None = None
        self._scene: SceneRange | None = None
        self._on_screen = False
        self._solution_is_used = False
        self._dialogs = Dialogs(self, self._settings.calibration_folder)
        self._write_job = Job("writing", self)
        self.steps = StepBar(self)
        self.capture = CaptureStep(self.model, target, self)
        self.result = ResultStep(self.model, self)
        self.check = CheckStep(self)
        self.light = LightStep(self)
        self.light.connect_to(self.lighting)
        self.stack = QStackedWidget(self)
        self._widgets = {
            "shots": self.capture, "result": self.result, "check": self.check, "light": self.light,
        }  # fmt: skip
        for widget in self._widgets.values():
            self.stack.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.steps)
        column.addWidget(self.stack, 1)
        self.papers = QMenu(self)
        for paper in PAPERS:
            self.papers.addAction(f"{paper} …").setData(paper)
        self.capture.print_board.setMenu(self.papers)
        self._connect()
        self.show_step("shots")

    def _connect(self) -> None:
        model, capture, check, previewing = self.model, self.capture, self.check, self.previewing
        self.steps.chosen.connect(self.show_step)
        model.sighted.connect(capture.show_live)
        model.collected.connect(self._on_collected)
        model.read.connect(capture.show_reading)
        model.solving.connect(self.result.show_progress)
        model.solved.connect(self._on_solved)
        model.busy.connect(self._on_busy)
        model.failed.connect(self._on_failed)
        capture.target_chosen.connect(self._on_target)
        capture.folder_wanted.connect(self._dialogs.ask_images)
        self._dialogs.images_chosen.connect(self._on_images)
        self._dialogs.calibration_named.connect(self.save_to)
        self._dialogs.board_named.connect(self.print_board)
        capture.dropped.connect(self.open_images)
        capture.board_wanted.connect(self._on_board)
        capture.solve_wanted.connect(self.solve)
        self.papers.triggered.connect(self._on_print)
        self._write_job.failed.connect(self._on_failed)
        self._write_job.finished.connect(self._on_written)
        self.result.save_wanted.connect(self._on_save)
        self.result.save_as_wanted.connect(self._on_save_as)
        check.wished.connect(previewing.wish)
        check.measure_wanted.connect(previewing.measure)
        check.cancel_wanted.connect(previewing.cancel)
        check.apply_wanted.connect(self._on_apply_range)
        previewing.shown.connect(check.show_pictures)
        previewing.proposed.connect(self._on_proposed)
        previewing.measuring.connect(check.show_measuring)
        previewing.costs_known.connect(check.show_costs)
        previewing.failed.connect(self._on_preview_failed)
        self.lighting.changed.connect(self._show_light)
        self.light.use_wanted.connect(self._on_use_light)
        self.light.forget_wanted.connect(self._on_forget_light)
        self._bridge.status_changed.connect(self._on_status)
        self._bridge.done.connect(self._on_done)

    # --- coming and going ---

    def entered(self) -> None:
        """Look for boards, or show the rectified pair."""
        self._on_screen = True
        self._on_status(self._bridge.status())
        self._work()

    def left(self) -> None:
        """Look no longer; a solution under way goes on."""
        self._on_screen = False
        self.capture.virtual_board.setChecked(False)
        self._work()

    def closed(self) -> None:
        """Give everything up, and let the folder of shots go."""
        self.model.close()
        self.previewing.close()
        self.lighting.close()
        self._write_job.close()

    def show_step(self, key: str) -> None:
        """Show a step: "shots", "result", "check" or "light"."""
        self.steps.show_step(key)
        self.stack.setCurrentWidget(self._widgets[key])
        self._work()

    def _work(self) -> None:
        """Run what the step on screen needs, and nothing else."""
        step = self.stack.currentWidget()
        if self._on_screen and step is self.capture:
            self.model.watch()
        else:
            self.model.unwatch()
        if self._on_screen and step is self.check:
            self.previewing.start()
            self._show_checked()
        else:
            self.previewing.stop()
        if self._on_screen and step is self.light:
            self.lighting.start()
        else:
            self.lighting.stop()

    # --- the running rig ---

    def _on_status(self, status: PipelineStatus) -> None:
        running = self._bridge.running and status.state not in ("failed", "stopped")
        in_use = self._bridge.calibration()
        calibration = in_use.calibration if in_use is not None else None
        if status.rig != self._rig or running != self._running:
            self._on_rig(status.rig, running=running)
        if calibration is not self._in_use:
            self._in_use = calibration
            solution = self.model.solution
            if solution is not None and solution.calibration is calibration:
                self._solution_is_used = True
            path = in_use.path if in_use is not None else None
            self.steps.in_use.setText(_in_use_words(calibration, path))
            self.steps.in_use.setToolTip(str(path or ""))
            self._show_checked()
            self.lighting.use(calibration.photometric if calibration is not None else None)
            self._show_light()

    def _on_rig(self, rig: RigInfo | None, *, running: bool) -> None:
        self._rig, self._running = rig, running
        self.capture.show_rig(rig.commands if rig is not None else (), running=running)
        self._show_light()
        if rig is None:
            return
        seen = tuple((camera.serial, camera.width, camera.height) for camera in (rig.mono, rig.color))
        if self._seen and seen != self._seen:
            self.model.start_anew()  # shots of other cameras, or of another size, do not belong together
        self._seen = seen
        if (
            "ShowBoard" in rig.commands
            and not self._settings.calibration_target
            and not self.model.state.views
        ):
            self.model.choose_target(VIRTUAL_BOARD)

    def _on_board(self, shown: bool) -> None:
        self._bridge.execute("ShowBoard" if shown else "HideBoard")

    # --- shots ---

    def _on_target(self, target: Target) -> None:
        shots = len(self.model.state.views)
        if shots:
            self._host.toast.flash(f"A new set begins; the {shots} shots so far stay where they are.")
        self._settings.calibration_target = json.dumps(target_to_table(target))
        self.model.choose_target(target)

    def _on_collected(self, state: CollectionState) -> None:
        self.capture.show_collection(state)
        self.result.show_collection(state)

    def open_images(self, paths: list[Path]) -> None:
        """Read board images, or an earlier set of shots."""
        self.show_step("shots")
        self.capture.by_itself.setChecked(False)
        self.model.open_folder(paths)

    def _on_images(self, folder: Path) -> None:
        self.open_images([folder])

    def _on_print(self, action: QAction) -> None:
        self._dialogs.ask_board(str(action.data()))

    def print_board(self, path: Path, paper: str) -> None:
        """Write the board as a PDF, true to scale."""
        target = self.capture.target.target

        def work(*_: object) -> str:
            write_board(target, path, paper)
            return f"Written to {path}: print it at 100 %, and measure it"

        self._write_job.start(work)

    def _on_busy(self, busy: bool) -> None:
        self.capture.show_busy(busy=busy)
        if not busy:
            self.result.show_ended()

    def _on_failed(self, problem: str) -> None:
        self._host.banner.show_failure(problem)

    # --- the solution ---

    def solve(self) -> None:
        """Solve, and show how it goes."""
        self.show_step("result")
        self.model.solve()

    def _on_solved(self, solution: RigSolution) -> None:
        self._solution_is_used = False
        self.result.show_solution(solution)
        self._show_checked()

    def _on_save(self) -> None:
        self.save_to(self._usual_path())

    def _on_save_as(self) -> None:
        self._dialogs.ask_calibration(self._usual_path())

    def save_to(self, path: Path) -> None:
        """Write the calibration, and rectify with it from now on if a rig is running."""
        solution, former = self.model.solution, self._in_use
        if solution is None:
            return
        calibration = solution.calibration
        if former is not None and former.photometric is not None:
            # Light and colours were measured for themselves: a new geometry says nothing against them.
            calibration = replace(calibration, photometric=former.photometric)
        self.model.solution = replace(solution, calibration=calibration)
        if self._running:
            self._bridge.use_calibration(calibration, path)
            return

        def work(*_: object) -> str:
            save_keeping_former(calibration, path)
            return f"Saved to {path}"

        self._write_job.start(work)

    def _usual_path(self) -> Path:
        in_use = self._bridge.calibration()
        if in_use is not None and in_use.is_ours and in_use.path is not None:
            return in_use.path
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", self._rig.name if self._rig is not None else "rig")
        now = datetime.now()  # noqa: DTZ005 - for people, local time
        return self._settings.calibration_folder / f"{name}_{now:%Y-%m-%d}.toml"

    def _on_done(self, request: str, detail: str) -> None:
        if request == "use_calibration":
            self._host.toast.flash(
                f"In use from now on, saved as {detail}" if detail else "In use from now on"
            )

    def _on_written(self, words: str) -> None:
        self._host.toast.flash(words)

    # --- the check ---

    def _checked(self) -> tuple[RigCalibration | None, str]:
        solution = self.model.solution
        if solution is not None and not self._solution_is_used:
            return solution.calibration, "The new solution, not in use yet"
        return self._in_use, "The calibration in use" if self._in_use is not None else ""

    def _show_checked(self) -> None:
        calibration, source = self._checked()
        self.check.show_calibration(calibration, source)
        self.previewing.use(calibration)
        if self._on_screen and not self._running and calibration is not None:
            self._show_a_shot()

    def _show_a_shot(self) -> None:
        views, collection = self.model.state.views, self.model.collection
        if views:
            self.previewing.show_shot(partial(collection.images, views[0].name))

    def _on_proposed(self, scene: SceneRange) -> None:
        self._scene = scene
        self.check.show_proposal(scene)
        calibration, _ = self._checked()
        if calibration is not None:
            now = range_of(calibration)
            wanted = SearchRange(scene.proposal.count, scene.proposal.offset, calibration.mirrored)
            self.previewing.measure_costs(now, wanted)

    def _on_preview_failed(self, problem: str) -> None:
        self.check.show_proposal(None, problem)

    def _on_apply_range(self) -> None:
        calibration, _ = self._checked()
        if self._scene is None or calibration is None:
            return
        wanted = self._scene.proposal
        changed = replace(calibration, offset=wanted.offset, max_disparity=wanted.count)
        in_use = self._bridge.calibration()
        solution = self.model.solution
        if solution is not None and calibration is solution.calibration:
            self.model.solution = replace(solution, calibration=changed)
        if in_use is not None and calibration is in_use.calibration:
            self._bridge.use_calibration(changed, in_use.path if in_use.is_ours else None)
        else:
            self._host.toast.flash("Noted in the new solution: save it to use it.")
        self.check.show_proposal(None)
        self._show_checked()

    # --- light and colour ---

    def _on_use_light(self) -> None:
        if self._in_use is not None:
            changed = replace(self._in_use, photometric=self.lighting.photometric)
            self._bridge.use_calibration(changed, self._usual_path())

    def _on_forget_light(self) -> None:
        self.lighting.forget()
        self._on_use_light()

    def _show_light(self) -> None:
        usable = self._running and self._in_use is not None
        self.light.show_state(self.lighting.photometric, usable=usable, pending=self.lighting.pending)


def load_target(settings: UiSettings) -> Target:
    """Return the target that was used last; a usual one if there was none."""
    try:
        return target_from_table(json.loads(settings.calibration_target))
    except (json.JSONDecodeError, CalibrationError, AttributeError):
        return usual_target("chessboard", "A4")


def _in_use_words(calibration: RigCalibration | None, path: Path | None) -> str:
    if calibration is None:
        return "No calibration in use"
    words = f"In use: {path.name if path is not None else 'not saved'}, {calibration.date:%Y-%m-%d}"
    return words + (", corrected" if calibration.correction is not None else "")
