"""Settings that a camera moves by itself. No simulated camera does, so this one is made up."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.cameras.fields import SliderField
from app.ui.cameras.following import Following
from app.ui.cameras.panel import CameraPanel
from capture.rig import Setting


class AutomaticBridge(QObject):
    """A bridge to a mono camera whose exposure is automatic: it moves with every reading."""

    answered = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.automatic = "Continuous"
        self.exposure_us = 1000.0

    def settings(self, role: str) -> dict[str, Setting]:
        if role == "color":
            return {}
        auto = Setting("ExposureAuto", self.automatic, choices=("Off", "Continuous"))
        time = Setting("ExposureTime", self.exposure_us, 10.0, 1e5, "µs", writable=self.automatic == "Off")
        return {"ExposureAuto": auto, "ExposureTime": time}

    def ask(self, name: str, question: object) -> bool:
        self.asked.append(name)
        self.exposure_us += 500.0
        return True


def test_automatic_values_are_followed_while_they_are_on_screen(qtbot) -> None:
    bridge, panel = AutomaticBridge(), CameraPanel()
    qtbot.addWidget(panel)
    following = Following(bridge, panel, panel)  # type: ignore[arg-type]
    following.look()
    assert bridge.asked == [], "nobody looks"
    panel.show_settings("mono", bridge.settings("mono"))
    panel.show()
    qtbot.waitExposed(panel)
    following.look()
    following.look()
    assert len(bridge.asked) == 1, "one question at a time"
    bridge.answered.emit(bridge.asked[0], None)
    field = panel.boxes["mono"].field("ExposureTime")
    assert isinstance(field, SliderField)
    assert field.number.value() == 1500.0
    bridge.automatic = "Off"
    following.look()
    assert len(bridge.asked) == 1, "nothing moves by itself any more"
