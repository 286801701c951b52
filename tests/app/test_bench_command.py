"""`main.py bench`: table, JSON, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import main
from app.commands.bench import table
from models.bench import Case, Measurement

SMALL = ["--size", "96x64", "--max-disparity", "16", "--device", "cpu", "--repeats", "1", "--threads", "1"]


def test_table_and_json_of_a_real_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "bench.json"
    assert main.main(["bench", "--model", "live", *SMALL, "--json", str(target)]) == 0
    output = capfd.readouterr()
    header, row = output.out.splitlines()
    assert header.split()[:4] == ["network", "size", "d", "device"]
    assert row.split()[:4] == ["live", "96×64", "16", "cpu"]
    assert "[1/1] live, 96×64, 16 candidates, cpu" in output.err
    document = json.loads(target.read_text())
    (case,) = document["cases"]
    assert case["case"]["model"] == "live"
    assert case["total_ms"] > 0
    assert case["stages_ms"]["first_pass"] > 0
    assert document["machine"]["cores"] >= 1
    assert document["ratios"] == []


def test_a_case_that_fails_is_a_row_and_exit_code_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "--model", "live", *SMALL, "--size", "8x8"]) == 1
    assert "8×8 is too small" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [["--model", "absent"], ["--model", "live", "--released", "absent.h5"]])
def test_missing_weights_are_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", *SMALL, *arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: absent")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("size", ["1024", "x780", "10x20x30", "-3x4"])
def test_sizes_are_checked(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(["bench", f"--size={size}"])
    assert left.value.code == 2
    assert "is not a size like 1024x780" in capsys.readouterr().err


def test_table_lines_up_and_names_every_stage() -> None:
    case = Case("live", "live", 1024, 780, 128, "cpu")
    fast = Measurement(case, "CPU", 123.4, {"first_pass": 60.0, "second_pass": 63.4}, 150.0, 5, 210.0)
    slow = replace(
        fast,
        case=replace(case, label="released"),
        total_ms=98765.4,
        stages_ms={"first_pass": 98765.4},
        runs=1,
    )
    failed = Measurement(replace(case, label="paper"), error="out of memory")
    header, first, second, third = table([fast, slow, failed])
    assert len(header) == len(first) == len(second)
    assert header.index("total ms") + len("total ms") == first.index("123.4") + len("123.4")
    assert "98765.4" in second
    assert third.split()[0] == "paper"
    assert third.endswith("out of memory")
