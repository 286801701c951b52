from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from app.inspecting.study import StudyPlan
from app.inspecting.study_store import Ballot, create_study
from main import EXIT_BAD_INPUT, main
from tests.app.inspecting.test_exports import _write_pairs


@pytest.fixture
def common(tmp_path: Path) -> list[str]:
    data = _write_pairs(tmp_path / "pairs")
    return ["--data", str(data), "--methods", "sgbm", "copy", "--work", str(tmp_path / "work")]


def test_a_figure_from_the_command_line(
    tmp_path: Path, common: list[str], capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "fig.png"
    crops = ["--crop", "10,10,40,30", "p1=60,20,40,30"]
    assert main(["export", "figure", *common, "--out", str(out), "--rows", "2", "--truth", *crops[:2]]) == 0
    wide = cv2.imread(str(out))
    assert str(out) in capsys.readouterr().out
    assert main(["export", "figure", *common, "--out", str(out), "--pairs", "p1", *crops]) == 0
    assert cv2.imread(str(out)).shape[0] < wide.shape[0]


def test_a_video_and_a_report_from_the_command_line(tmp_path: Path, common: list[str]):
    video = tmp_path / "v.avi"
    assert main(["export", "video", *common, "--out", str(video), "--pairs", "p0", "p2"]) == 0
    reader = cv2.VideoCapture(str(video))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 2
    reader.release()
    page = tmp_path / "r.html"
    assert main(["export", "report", *common, "--out", str(page), "--worst", "1", "--by", "psnr_db"]) == 0
    assert "Worst PSNR first" in page.read_text()


def test_a_study_from_the_command_line(tmp_path: Path):
    plan = StudyPlan(0, ("p0", "p1"), ("sgbm", "copy"), again_share=0)
    create_study(tmp_path / "study", plan)
    ballot = Ballot(tmp_path / "study", "ann")
    for question in range(len(ballot.questions)):
        ballot.vote(question, 2)
    assert main(["export", "study", str(tmp_path / "study"), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["figure", "--pairs", "nobody"], "--pairs nobody"),
        (["figure", "--crop", "150,0,40,40"], "does not lie in an image"),
        (["figure", "--crop", "other=1,1,40,40"], "--crop other"),
        (["report", "--by", "beauty"], "--by beauty"),
        (["video"], "ends in"),
    ],
)
def test_bad_input_gets_one_line(
    tmp_path: Path, common: list[str], extra: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["export", extra[0], *common, "--out", str(tmp_path / "x.bin"), *extra[1:]]) == EXIT_BAD_INPUT
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(lines) == 1
    assert says in lines[0]
    assert not (tmp_path / "x.bin").exists()


def test_no_study_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "study", str(tmp_path), "--out", str(tmp_path / "out")]) == EXIT_BAD_INPUT
    assert "holds no study" in capsys.readouterr().err
