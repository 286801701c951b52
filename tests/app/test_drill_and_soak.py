"""The commands that break a rig on purpose, and that look for leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.commands import drill
from app.commands.drill import FAULTS, Row
from app.commands.soak import Sample, grown
from app.pipeline.status import Outage
from main import main


@pytest.mark.usefixtures("no_leaks")
def test_a_drill_tells_how_long_each_fault_lasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drill, "QUIET_S", (0.0, 0.1))
    report = tmp_path / "drill.json"
    faults = ["kill", "driver-crash"]  # the second is for simulated cameras only, and left out
    arguments = ["--rig", "viky", "--repeats", "2", "--json", str(report), "--fault", *faults]
    assert main(["drill", *arguments]) == 0
    outages = json.loads(report.read_text())["faults"]
    assert list(outages) == ["capture process killed (SIGKILL)"]
    assert len(outages["capture process killed (SIGKILL)"]) == 2
    table = capsys.readouterr().out
    assert "| capture process killed (SIGKILL) | 2 | " in table


def test_a_row_has_median_and_largest() -> None:
    outages = [Outage("", 1, None if seconds == 3 else 0.5, seconds) for seconds in (1.0, 2.0, 3.0)]
    row = Row("unplugged", outages)
    assert row.line() == "| unplugged | 3 | 0.50 / 0.50 | 2.00 / 3.00 | 2.50 / 3.00 |"
    assert Row("none", []).line() == "| none | 0 | – | – | – |"


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.signal or fault.command or fault.settings for fault in FAULTS)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(("what", "processes"), [("stream", 2), ("rig", 1), ("app", 1)])
def test_a_short_soak_finds_nothing(
    what: str, processes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "soak.json"
    assert main(["soak", "--what", what, "--cycles", "2", "--json", str(report)]) == 0
    document = json.loads(report.read_text())
    assert document["grown"] == []
    assert len(document["samples"]) == 2 * processes
    assert all(sample["rss_mb"] > 10 and sample["threads"] >= 1 for sample in document["samples"])
    assert "2 cycles in" in capsys.readouterr().out


def test_growth_after_the_first_tenth_is_told() -> None:
    def samples(last: Sample) -> list[Sample]:
        return [Sample("app", 1, 10.0, 5, 1), Sample("app", 100, 100.0, 20, 3), last]

    assert grown(samples(Sample("app", 1000, 104.0, 21, 3))) == [], "what warms up is no leak"
    assert grown(samples(Sample("app", 1000, 150.0, 920, 12))) == [
        "app: 100 MB of memory after 100 cycles, 150 after 1000",
        "app: 20 handles after 100 cycles, 920 after 1000",
        "app: 3 threads after 100 cycles, 12 after 1000",
    ]
