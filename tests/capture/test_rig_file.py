"""Names of rigs and rig files: what is read, and that whatever is wrong is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.discovery import PATH_VARIABLE, viky_producer
from capture.errors import RigFileError
from capture.rig_file import NO_CAMERA_NOTICE, default_spec, load_rig_file, parse_rig, save_rig_file
from capture.spec import CameraSpec, GenicamSpec, ReplaySpec, VirtualSpec

EXAMPLE = Path(__file__).resolve().parents[2] / "calibration_data" / "example_rig.toml"

GENICAM = """
kind = "genicam"
[mono]
serial = "1"
[color]
serial = "2"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text)
    return path


def test_names() -> None:
    assert parse_rig("virtual") == VirtualSpec()
    viky = parse_rig("viky")
    assert isinstance(viky, GenicamSpec)
    assert (viky.mono.pixel_format, viky.color.pixel_format) == ("Mono8", "RGBa8")
    assert (viky.mono.settings["Width"], viky.mono.settings["Height"]) == (640, 480)


def test_a_replayed_folder(tmp_path: Path) -> None:
    assert parse_rig(f"replay:{tmp_path}") == ReplaySpec(tmp_path)
    with pytest.raises(RigFileError, match="no folder"):
        parse_rig(f"replay:{tmp_path / 'missing'}")


@pytest.mark.parametrize("name", ["", "basler", "replay", "mono.png"])
def test_an_unknown_name_lists_those_that_are(name: str) -> None:
    with pytest.raises(RigFileError, match="virtual, simulator, viky, replay:DIR or a rig file"):
        parse_rig(name)


def test_the_example_can_be_read() -> None:
    spec = load_rig_file(EXAMPLE)
    assert isinstance(spec, GenicamSpec)
    assert spec.name == "bench rig"
    assert spec.mono.pixel_format == "Mono12p"
    assert list(spec.mono.settings)[:2] == ["ExposureAuto", "ExposureTime"], "the order is kept"


def test_everything_a_genicam_rig_can_say(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        kind = "genicam"
        name = "left bench"
        shares_trigger = true
        buffers = 32
        calibration = "bench_calibration.toml"
        color_side = "right"
        producers = ["/opt/vendor/producer.cti", "here.cti"]
        mono = { serial = "A1", pixel_format = "Mono12p", settings = { Exposure = 8000.0, ReverseX = true } }
        color = { serial = "B2", settings = { Width = 640, TriggerMode = "On" } }
        """,
    )
    assert parse_rig(str(path)) == GenicamSpec(
        name="left bench",
        mono=CameraSpec("A1", "Mono12p", {"Exposure": 8000.0, "ReverseX": True}),
        color=CameraSpec("B2", None, {"Width": 640, "TriggerMode": "On"}),
        producers=(Path("/opt/vendor/producer.cti"), tmp_path / "here.cti"),
        shares_trigger=True,
        buffers=32,
        calibration=tmp_path / "bench_calibration.toml",
        color_side="right",
    )


@pytest.mark.parametrize(
    "spec",
    [
        GenicamSpec("bare", CameraSpec("1"), CameraSpec("2")),
        GenicamSpec(
            'a "quoted" name',
            CameraSpec("A1", "Mono12p", {"ReverseX": True, "ExposureTime": 8000.0, "Width": 640}),
            CameraSpec("B2", "BayerRG8", {"TriggerMode": "On"}),
            producers=(Path("/opt/vendor/producer.cti"),),
            shares_trigger=True,
            buffers=5,
            color_side="right",
        ),
    ],
)
def test_what_is_saved_is_read_back_the_same(tmp_path: Path, spec: GenicamSpec) -> None:
    path = tmp_path / "rigs" / "made.toml"
    spec = replace(spec, calibration=path.parent / "calibration.toml")
    save_rig_file(spec, path)
    assert load_rig_file(path) == spec
    assert 'calibration = "calibration.toml"' in path.read_text(), "what lies beside it may move with it"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RigFileError, match=r"made\.toml cannot be written"):
        save_rig_file(GenicamSpec("bare", CameraSpec("1"), CameraSpec("2")), tmp_path / "file" / "made.toml")


def test_the_name_of_a_rig_is_its_files_unless_it_says_otherwise(tmp_path: Path) -> None:
    spec = load_rig_file(write(tmp_path, GENICAM))
    assert isinstance(spec, GenicamSpec)
    assert spec.name == "bench"


def test_virtual_and_replay_files(tmp_path: Path) -> None:
    text = 'kind = "virtual"\nseed = 3\nwidth = 320\nheight = 240\nframe_rate_hz = 30\n'
    assert load_rig_file(write(tmp_path, text)) == VirtualSpec(3, 320, 240, 30)
    (tmp_path / "pairs").mkdir()
    text = 'kind = "replay"\nfolder = "pairs"\nloop = false\n'
    assert load_rig_file(write(tmp_path, text)) == ReplaySpec(tmp_path / "pairs", loop=False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "kind is missing"),
        ('kind = "usb"', "kind is 'usb', must be one of genicam, virtual, replay"),
        ("kind = 3", "kind is 3, must be a text"),
        ('kind = "genicam"\n[mono]\nserial = "1"', "color is missing"),
        ('kind = "genicam"\n[mono]\n[color]\nserial = "2"', "mono.serial is missing"),
        ('kind = "genicam"\nmono = "1"\n[color]\nserial = "2"', r"mono is '1', must be a table: \[mono\]"),
        (GENICAM + "pixelformat = 'Mono8'", "color.pixelformat is not a known key"),
        (GENICAM + "[color.settings]\nGain = [1]", r"color.settings.Gain is \[1\], must be a number"),
        (GENICAM.replace('"2"', '"1"'), "the same camera as mono.serial"),
        (GENICAM.replace('"2"', "40012"), "color.serial is 40012, must be a text in quotes"),
        ("buffers = 1" + GENICAM, "buffers is 1, must be a whole number of at least 3"),
        ("shares_trigger = 1" + GENICAM, "shares_trigger is 1, must be true or false"),
        ("color_side = 'top'" + GENICAM, 'color_side is \'top\', must be "left" or "right"'),
        ("producers = 'a.cti'" + GENICAM, "producers is 'a.cti', must be a list"),
        ("producers = ['']" + GENICAM, "producers is empty"),
        ('kind = "virtual"\nframe_rate_hz = inf', "frame_rate_hz is inf"),
        ('kind = "virtual"\nwidth = true', "width is True"),
        ('kind = "virtual"\nserial = "1"', "serial is not a known key"),
        ('kind = "replay"', "folder is missing"),
        ('kind = "replay"\nfolder = "nowhere"', "no folder"),
        ("kind = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RigFileError, match=complaint) as caught:
        load_rig_file(path)
    assert "bench.toml" in str(caught.value)
    assert "\n" not in str(caught.value).rstrip("\n")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RigFileError, match="No such file"):
        parse_rig(str(tmp_path / "missing.toml"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RigFileError, match="not valid TOML"):
        parse_rig(str(binary))


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12))
def test_no_unknown_key_slips_through(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    known = {"kind", "name", "shares_trigger", "calibration", "producers", "buffers", "mono", "color"}
    path = write(tmp_path_factory.mktemp("rig"), f'"{key}" = 1\n{GENICAM}')
    if key not in known:
        with pytest.raises(RigFileError, match=f"{key} is not a known key"):
            load_rig_file(path)


# -- which rig opens when none is named


@pytest.fixture
def no_installed_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.discovery.VENDOR_FOLDERS", {})
    monkeypatch.delenv(PATH_VARIABLE, raising=False)


@pytest.mark.usefixtures("no_installed_producers")
def test_without_cameras_the_virtual_rig_opens_and_says_so() -> None:
    assert default_spec() == replace(VirtualSpec(), notice=NO_CAMERA_NOTICE)
    assert parse_rig(None) == default_spec()


@pytest.mark.usefixtures("no_installed_producers")
def test_simulated_cameras_are_no_cameras_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(viky_producer().parent))
    assert default_spec() == replace(VirtualSpec(), notice=NO_CAMERA_NOTICE)


@pytest.mark.usefixtures("no_installed_producers")
def test_cameras_that_were_found_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vendor.cti").symlink_to(
        viky_producer()
    )  # a producer by another name is taken for a real one
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path))
    spec = default_spec()
    assert isinstance(spec, VirtualSpec)
    assert "Viky (0)" in spec.notice
    assert "rig file" in spec.notice


def test_the_last_rig_file_opens_again(tmp_path: Path) -> None:
    path = write(tmp_path, GENICAM)
    assert default_spec(path) == load_rig_file(path)
    path.write_text("kind = 3")
    with pytest.raises(RigFileError, match="kind is 3"):
        default_spec(path)


@pytest.mark.usefixtures("no_installed_producers")
def test_a_last_rig_file_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    assert isinstance(default_spec(tmp_path / "gone.toml"), VirtualSpec)
