"""The recipes: which nodes make two cameras expose together, in which order.

Source: GenICam SFNC 2.7, Acquisition Control, Digital I/O Control, Action Control and (PTP) Device Control.

Nothing is assumed of a camera: what an enumeration offers is read before a value is chosen, everything that
is written is read back, and what a camera refuses is part of the report. docs/hardware-trigger.md shows what
real cameras make of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from capture.frames import ROLES, Role
from capture.sync.config import SyncConfig
from capture.sync.names import (
    EXPOSURE_SIGNALS,
    FRAME_TRIGGERS,
    OUTPUT_MODES,
    OUTPUT_PINS,
    OVERLAPS,
    PTP_LATCHES,
    PTP_STATES,
    PTP_SWITCHES,
    RATE_ENABLES,
)
from capture.sync.report import SyncReport
from capture.sync.script import Nodes, Script

INPUT_LINE = re.compile(r"Line\d+|Line\d*In\d*|In\d+")
"""Names of trigger sources that are pins."""


def run_recipe(config: SyncConfig, cameras: Mapping[Role, Nodes]) -> SyncReport:
    """Set both cameras up for a mode while neither acquires, and report.

    If the mode cannot work because of what a camera refused, both are put back to running freely: a rig that
    waits for triggers that never come shows nothing, not even what is wrong.
    """
    order: tuple[Role, Role] = (config.follower, config.leader) if config.mode == "hardware" else ROLES
    scripts = [Script(role, cameras[role]) for role in order]
    for script in scripts:
        _prepare(config, script)
    report = SyncReport(config, tuple(step for script in scripts for step in script.steps), order)
    if not report.complete:
        for role in ROLES:
            _run_freely(Script(role, cameras[role]))
    return report


def _prepare(config: SyncConfig, script: Script) -> None:
    match config.mode:
        case "free_run":
            _run_freely(script)
            _set_rate(script, config.frame_rate_hz)
        case "software":
            _wait_for(config, script, ("Software",))
        case "hardware" if script.role == config.leader:
            _run_freely(script)
            _set_rate(script, config.frame_rate_hz)
            _send_exposure(script, config.line(script.role))
        case "hardware" | "external":
            _wait_for(config, script, _input_lines(script, config.line(script.role)), by_line=True)
        case "action":
            _share_clock(script)
            _wait_for_action(config, script)


def _run_freely(script: Script) -> None:
    """Switch all triggers off."""
    _switch_triggers_off(script)
    if script.nodes.has("TriggerSelector"):
        script.choose("TriggerSelector", FRAME_TRIGGERS)
    if script.nodes.has("TriggerMode"):
        script.set("TriggerMode", "Off")


def _switch_triggers_off(script: Script) -> None:
    """Switch off every trigger that is on: one that is left (of a burst, say) would hold the frames back."""
    for trigger in script.nodes.choices("TriggerSelector"):
        if script.look("TriggerSelector", trigger) and script.nodes.value("TriggerMode") not in (None, "Off"):
            script.set("TriggerSelector", trigger, essential=False)
            script.set("TriggerMode", "Off")


def _set_rate(script: Script, rate_hz: float | None) -> None:
    if rate_hz is None:
        return
    script.set_if_there("AcquisitionFrameRateAuto", "Off")
    for switch in RATE_ENABLES:
        script.set_if_there(switch, value=True)
    script.set("AcquisitionFrameRate", rate_hz)


def _wait_for(config: SyncConfig, script: Script, sources: tuple[str, ...], *, by_line: bool = False) -> None:
    """Let every frame wait for a trigger from the first of `sources` that the camera has."""
    _switch_triggers_off(script)
    if script.nodes.has("TriggerSelector"):
        script.choose("TriggerSelector", FRAME_TRIGGERS)
    if script.nodes.has("TriggerSource") or sources != ("Software",):
        script.choose("TriggerSource", sources)
    if by_line:
        script.choose(
            "TriggerActivation", (config.activation,), essential=script.nodes.has("TriggerActivation")
        )
        if script.nodes.has("TriggerOverlap"):
            script.choose("TriggerOverlap", OVERLAPS, essential=False)
    for delay in ("TriggerDelay", "TriggerDelayAbs"):
        script.set_if_there(delay, 0.0)
    if script.nodes.value("ExposureMode") not in (None, "Timed"):
        script.choose("ExposureMode", ("Timed",), essential=False)
    for switch in RATE_ENABLES:  # a limit of the camera's own would swallow triggers
        script.set_if_there(switch, value=False)
    script.set("TriggerMode", "On")
    if sources == ("Software",) and not script.nodes.has("TriggerSoftware"):
        script.miss("TriggerSoftware", "execute", "this camera has no such command")


def _input_lines(script: Script, named: str) -> tuple[str, ...]:
    """Return the trigger source of the pin to listen at (none if there is none); turn it to input."""
    _look_at_frame_trigger(script)
    sources = script.nodes.choices("TriggerSource")
    lines = (named,) if named else tuple(name for name in sources if INPUT_LINE.fullmatch(name))
    directions = {}
    for line in lines:
        if line in script.nodes.choices("LineSelector") and script.look("LineSelector", line):
            directions[line] = (script.nodes.value("LineMode"), script.nodes.choices("LineMode"))
    ready = [line for line in lines if directions.get(line, ("Input", ()))[0] in (None, "Input")]
    ready = ready or [line for line in lines if "Input" in directions[line][1]] or list(lines)
    if ready and ready[0] in directions and script.look("LineSelector", ready[0]):
        script.set("LineSelector", ready[0], essential=False)
        script.set_if_there("LineMode", "Input")
    return (ready[0],) if ready else ()


def _send_exposure(script: Script, named: str) -> None:
    """Let a pin be high while the camera exposes."""
    for selector, direction, signal, polarity, normal in OUTPUT_PINS:
        pins = script.nodes.choices(selector)
        if not pins:
            continue
        pin = named or _output_pin(script, selector, direction, signal)
        if pin is None:
            script.miss(
                signal, " or ".join(EXPOSURE_SIGNALS), f"none of its pins ({', '.join(pins)}) sends it"
            )
            return
        if not script.choose(selector, (pin,)):
            return
        if direction and script.nodes.has(direction):
            script.choose(direction, OUTPUT_MODES)
        script.choose(signal, EXPOSURE_SIGNALS)
        script.set_if_there(polarity, normal)
        script.set_if_there("StrobeEnable", value=True)
        return
    script.miss("LineSelector", "an output", "this camera has no pin that can be set")


def _output_pin(script: Script, selector: str, direction: str, signal: str) -> str | None:
    """Return the first pin that can send the exposure signal: outputs before those that can become one.

    No pin is turned to output in order to look, if that can be helped: something else may drive it.
    """
    pins = script.nodes.choices(selector)
    if not direction:
        return pins[0]
    can_become: list[str] = []
    for pin in sorted(pins, key=lambda name: not name.startswith("Out")):
        if not script.look(selector, pin):
            continue
        if script.nodes.value(direction) in OUTPUT_MODES and _sends_exposure(script, signal):
            return pin
        turnable = script.nodes.access(direction) in ("RW", "WO")
        if turnable and set(OUTPUT_MODES) & set(script.nodes.choices(direction)):
            can_become.append(pin)
    return next((pin for pin in can_become if _would_send(script, selector, pin, direction, signal)), None)


def _would_send(script: Script, selector: str, pin: str, direction: str, signal: str) -> bool:
    """Tell whether a pin could send the exposure signal; it is turned only if an input does not tell."""
    script.look(selector, pin)
    if script.nodes.choices(signal):
        return _sends_exposure(script, signal)
    before = script.nodes.value(direction)
    offered = script.nodes.choices(direction)
    script.look(direction, next(mode for mode in OUTPUT_MODES if mode in offered))
    sends = _sends_exposure(script, signal)
    if before is not None:
        script.look(direction, str(before))
    return sends


def _sends_exposure(script: Script, signal: str) -> bool:
    return bool(set(EXPOSURE_SIGNALS) & set(script.nodes.choices(signal)))


def _share_clock(script: Script) -> None:
    """Set the camera's clock by PTP (IEEE 1588). Triggers work without it, but times tell nothing."""
    for switch, value in PTP_SWITCHES:
        if script.nodes.has(switch):
            if switch == "PtpMode":
                script.choose(switch, ("Auto", "Slave"), essential=False)
            else:
                script.set(switch, value, essential=False)
            script.set_if_there("GevIEEE1588Mode", "Auto")
            break
    else:
        script.set("PtpEnable", value=True, essential=False)
    for latch in PTP_LATCHES:
        script.run_if_there(latch)
    for state in PTP_STATES:
        if script.nodes.has(state):
            script.read(state)


def _wait_for_action(config: SyncConfig, script: Script) -> None:
    """Answer to the action command with the configured keys (GigE Vision 2.0)."""
    _look_at_frame_trigger(script)
    actions = tuple(name for name in script.nodes.choices("TriggerSource") if name.startswith("Action"))
    _wait_for(config, script, actions or ("Action0", "Action1"))
    if not actions:
        return
    if script.nodes.choices("ActionSelector"):
        script.choose("ActionSelector", actions[:1])
    elif script.nodes.has("ActionSelector"):
        script.set("ActionSelector", int(re.sub(r"\D", "", actions[0]) or 0))
    script.set("ActionDeviceKey", config.device_key)
    script.set("ActionGroupKey", config.group_key)
    script.set("ActionGroupMask", config.group_mask)


def _look_at_frame_trigger(script: Script) -> None:
    """Turn the selector to the trigger that will be used: what its source takes may depend on it."""
    offered = script.nodes.choices("TriggerSelector")
    trigger = next((name for name in FRAME_TRIGGERS if name in offered), None)
    if trigger is not None:
        script.look("TriggerSelector", trigger)
