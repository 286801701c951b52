"""The entry point: dispatch, exit codes, and how little it imports."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import main
from capture.errors import CalibrationError, DatasetError, DeviceNotFound
from models.errors import WeightsMismatch

ROOT = Path(__file__).resolve().parents[2]


class Command:
    """A command as main.py sees it: two functions in a module of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str = "doctor") -> None:
        self.raises: BaseException | None = None
        self.seen: argparse.Namespace | None = None
        module = ModuleType("command_under_test")
        module.__dict__.update(add_arguments=self.add_arguments, run=self.run)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(main.COMMANDS, name, main._Command(module.__name__, "a command under test"))

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--size", type=int, default=3)

    def run(self, args: argparse.Namespace) -> int:
        self.seen = args
        if self.raises is not None:
            raise self.raises
        return int(args.size)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def test_a_command_gets_its_arguments_and_gives_the_exit_code(command: Command) -> None:
    assert main.main(["doctor", "--size", "7"]) == 7
    assert main.main(["doctor"]) == 3


@pytest.mark.parametrize("arguments", [["--verbose", "doctor"], ["doctor", "--verbose"]])
def test_verbose_is_taken_on_either_side_of_the_command(command: Command, arguments: list[str]) -> None:
    main.main(arguments)
    assert command.seen is not None
    assert command.seen.verbose


@pytest.mark.parametrize("arguments", [[], ["--size", "9"], ["--verbose"]])
def test_without_a_command_the_live_app_starts(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    live = Command(monkeypatch, "live")
    main.main(arguments)
    assert live.seen is not None


@pytest.mark.parametrize(
    "error",
    [
        DeviceNotFound("no camera answers\nto 42"),
        CalibrationError("no camera answers to 42"),
        DatasetError("no camera answers to 42"),
        WeightsMismatch("no camera answers to 42"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    command: Command, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    command.raises = error
    assert main.main(["doctor"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "error: no camera answers to 42\n"
    assert captured.out == ""


def test_ctrl_c_is_exit_code_130(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    command.raises = KeyboardInterrupt()
    assert main.main(["doctor"]) == 130
    assert capsys.readouterr().err == ""


def test_what_nobody_expected_keeps_its_traceback(command: Command) -> None:
    command.raises = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        main.main(["doctor"])


@pytest.mark.parametrize("arguments", [["nonsense"], ["doctor", "--nonsense"], ["nonsense", "--help"]])
def test_unknown_words_are_exit_code_2(command: Command, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(arguments)
    assert left.value.code == 2


def test_help_names_every_command_and_imports_none() -> None:
    script = (
        "import sys, main\n"
        "try: main.main(['--help'])\n"
        "except SystemExit as left: assert left.code == 0\n"
        "heavy = {'torch', 'cv2', 'numpy', 'PySide6', 'app.commands.live'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in main.COMMANDS:
        assert f"\n    {name} " in done.stdout or f"\n    {name}\n" in done.stdout


def test_logging_is_set_up_by_main_alone(command: Command) -> None:
    before = list(logging.getLogger().handlers)
    try:
        main.main(["doctor", "--verbose"])
    finally:
        for handler in set(logging.getLogger().handlers) - set(before):
            logging.getLogger().removeHandler(handler)
            handler.close()
