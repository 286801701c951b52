"""Which GenTL libraries are loaded: those with the right name, from where somebody said, and no others."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from capture.discovery import PATH_VARIABLE, check_producer, installed_producers, viky_producer
from capture.errors import CaptureError
from capture.genicam import GenicamRig
from capture.libraries import admitted, exposure_of
from capture.probe import probe_producers
from capture.process import RigProcess
from capture.traps.producers import exposed_libraries, search_path
from tests.capture.rig_specs import viky

posix = pytest.mark.skipif(os.name != "posix", reason="permissions as on Linux and macOS")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A producer in a folder of its own, with the library beside it that it needs."""
    folder = tmp_path / "maker"
    folder.mkdir(mode=0o755)
    return Path(shutil.copy(viky_producer(), folder / "maker.cti"))


@pytest.mark.parametrize("name", ["maker.so", "maker.cti.so", "maker", ".cti"])
def test_other_names_are_not_loaded(copied: Path, name: str) -> None:
    other = Path(shutil.copy(copied, copied.with_name(name)))
    with pytest.raises(CaptureError, match=r"is not loaded: .* ends in \.cti"):
        check_producer(other)
    with pytest.raises(CaptureError, match="is not loaded"), GenicamRig(replace(viky(), producers=(other,))):
        pass
    assert other.resolve() not in installed_producers({PATH_VARIABLE: str(other)})


def test_a_link_does_not_lend_its_name(copied: Path) -> None:
    library = copied.rename(copied.with_name("anything.so"))
    link = copied.with_name("link.cti")
    link.symlink_to(library)
    with pytest.raises(CaptureError, match=r"it is a link to .*anything\.so, which does not end in \.cti"):
        check_producer(link)


def test_links_to_libraries_are_followed(copied: Path) -> None:
    versioned = copied.rename(copied.with_name("maker.cti.1.2"))
    copied.symlink_to(versioned)
    assert admitted(copied) == versioned.resolve()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.cti").mkdir()
    (tmp_path / "one.cti").symlink_to(tmp_path / "two.cti")
    (tmp_path / "two.cti").symlink_to(tmp_path / "one.cti")
    for name, why in (("folder.cti", "no file"), ("none.cti", "No such file"), ("one.cti", "cannot be read")):
        with pytest.raises(CaptureError, match=why):
            admitted(tmp_path / name)


def test_a_file_on_the_search_path_that_is_no_library_is_named(copied: Path) -> None:
    other = copied.rename(copied.with_suffix(".so"))
    (finding,) = search_path({PATH_VARIABLE: str(other)})
    assert finding.severity == "problem"
    assert "its name does not end in .cti" in finding.text


@posix
def test_a_library_that_anybody_may_change_is_warned_about(copied: Path) -> None:
    assert exposure_of(copied) == ""
    copied.chmod(0o757)
    assert exposure_of(copied).endswith(f"chmod o-w {copied}")
    copied.chmod(0o755)
    copied.parent.chmod(0o777)
    assert exposure_of(copied).endswith(f"chmod o-w {copied.parent}")
    copied.parent.chmod(0o1777)
    assert exposure_of(copied) == "", "nobody but the owner may exchange files in such a folder"


@posix
def test_the_warning_reaches_the_doctor_and_the_banner(copied: Path) -> None:
    copied.chmod(0o757)
    (report,) = probe_producers([copied])
    assert report.library is not None
    assert report.library.made_by == "Machine Vision Games Ltd. Viky 4.0"
    (finding,) = exposed_libraries([report])
    assert finding.fix == f"chmod o-w {copied}"
    with GenicamRig(replace(viky(), producers=(copied,))) as rig:
        assert f"chmod o-w {copied}" in rig.info.notice


def test_the_list_of_loaded_libraries_is_what_the_process_has_mapped(copied: Path) -> None:
    link = copied.with_name("link.cti")
    link.symlink_to(copied)
    with RigProcess(replace(viky(), producers=(link,))) as rig:
        (library,) = rig.info.libraries
        maps = Path(f"/proc/{rig.pid}/maps")
        mapped = {Path(line.split()[-1]) for line in maps.read_text().splitlines()} if maps.exists() else None
    assert (library.path, library.vendor, library.model, library.version) == (
        copied.resolve(),
        "Machine Vision Games Ltd.",
        "Viky",
        "4.0",
    )
    if mapped is not None:
        assert {path for path in mapped if path.suffix == ".cti"} == {library.path}
