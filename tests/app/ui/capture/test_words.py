"""What the page says of queue, disk, time and shots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.capturing.gates import Verdict
from app.capturing.modes import Plan
from app.capturing.state import CaptureState
from app.capturing.status import CaptureStatus, SavedPair
from app.pipeline.status import RecorderStatus
from app.ui.capture.words import answer_said, disk_said, duration_text, left_text, now_said, queue_said
from capture.disk_space import DiskSpace

MB = 1 << 20


@pytest.mark.parametrize(
    ("seconds", "text"), [(4, "4 s"), (89, "89 s"), (95, "2 min"), (3700, "1 h 02 min"), (7199, "2 h 00 min")]
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_queue_warns_before_it_is_full() -> None:
    recorder = RecorderStatus(folder="set", queued=3, queued_bytes=10 * MB, budget_bytes=100 * MB, age_s=0.1)
    assert queue_said(recorder).tone == "quiet"
    assert queue_said(replace(recorder, age_s=3.0)).tone == "warn"
    assert queue_said(replace(recorder, queued_bytes=30 * MB)).tone == "warn"
    bad = queue_said(replace(recorder, queued_bytes=80 * MB, rate_hz=29.96, age_s=4.2))
    assert bad.tone == "bad"
    assert bad.text == "Queue 3 (80%) · 30.0/s · oldest 4.2 s"


def test_the_disk_warns_when_the_target_does_not_fit() -> None:
    space = DiskSpace(free_bytes=3_000_000_000, reserve_bytes=2_000_000_000, pair_bytes=1_000_000)
    recorder = RecorderStatus(folder="set", space=space)
    assert disk_said(recorder, wanted=1000).tone == "quiet"
    assert disk_said(recorder, wanted=1001).tone == "warn"
    assert disk_said(recorder, wanted=10).text == "Disk 1.0 GB left · 1 000 pairs fit"
    full = replace(recorder, space=replace(space, free_bytes=2_000_500_000))
    assert disk_said(full, wanted=10).tone == "bad"
    assert disk_said(RecorderStatus(), wanted=10).text == ""


def test_time_left_is_told_only_where_there_is_a_pace() -> None:
    walk = CaptureStatus(state=CaptureState(plan=Plan("walk")))
    assert left_text(CaptureStatus()) == ""
    assert "two pairs" in left_text(walk)
    assert left_text(replace(walk, seconds_left=600.0)) == "about 10 min left"


def test_a_wall_is_announced_before_the_shot() -> None:
    verdict = Verdict({"skew_ms": 9.0, "texture_share": 0.1}, ("skew_ms",), ("texture_share",))
    said = now_said(CaptureStatus(verdict=verdict))
    assert said.tone == "bad"
    assert said.text == "Would be refused. Skew 9.00 ms: at most 5.00 ms"
    assert now_said(CaptureStatus(verdict=replace(verdict, refused=()))).tone == "warn"


def test_every_shot_gets_its_own_answer() -> None:
    pair = SavedPair("000007", np.zeros((4, 8, 3), np.uint8), Verdict(warnings=("skew_ms",)), ())
    before = CaptureStatus(folder="a/set", total=7)
    saved = replace(before, total=8, saved=1, strip=(pair,))
    answer = answer_said(before, saved)
    assert answer is not None
    assert answer.text == "Saved 000007: 8 in set. Warned: Skew"
    assert answer.tone == "warn"
    assert answer_said(saved, saved) is None
    for number in (1, 2):  # the same reason twice is two refusals
        refused = replace(before, refusals=number, refused=1, reason="Motion 3.00 px: at most 1.00 px")
        answer = answer_said(replace(before, refusals=number - 1), refused)
        assert answer is not None
        assert answer.text.startswith("Not saved. Motion")
    running = CaptureState(plan=Plan("timed", target=8))
    over = answer_said(replace(before, state=running), replace(saved, reason="The target is reached"))
    assert over is not None
    assert over.text == "The target is reached"
    assert answer_said(before, replace(saved, state=running)) is None, "a plan speaks for itself"
    assert answer_said(before, replace(saved, folder="another")) is None, "opening is no shot"
