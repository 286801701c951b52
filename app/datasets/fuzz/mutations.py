"""Ways to spoil a dataset: bytes, lines, values, images, and what lies where."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.datasets.fuzz.image_mutations import (
    bytes_of,
    image_bomb,
    image_bytes,
    image_file,
    image_other,
    image_size,
    some_place,
)

JSON_LISTS = ("pairs.jsonl", "edits.jsonl", "events.jsonl")
TABLES = ("dataset.toml", "calibration.toml", "capture.toml")
LISTS = (*JSON_LISTS, *TABLES, "notes.txt")
BAD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\r",
    b"\n",
    b"\x1b[2J",
    b"\xef\xbb\xbf",
    b'"',
)
BAD_NAMES = (
    "../../outside/kept", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "con", "x" * 70, "x" * 5000, "\x00",
    "é", "000000\n", "-rf", ".hidden", "000000", "9" * 64, "0" * 64, "\udc80", "\x1b[31mred", "%s%n", "💥",
)  # fmt: skip
BAD_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**63, -(2**63), 10**30, 10**400, 1.5, -0.0, 1e308, float("inf"),
    float("nan"), "", "x", "x" * 100_000, [], {}, [[]], [None] * 40, {"a": {"b": 1}}, "../../outside/kept",
    "2026-13-45T99:99:99", "\ud800", "\u2028", "bayer_rg", "mono", 8, 12, 16, 17, 10**9,
)  # fmt: skip
BAD_TOML = (
    "x = 99999999999999999999999999999\n", "schema = 3\n", "schema = true\n", "schema = 2\nschema = 2\n",
    "[sessions]\n", "sessions = 5\n", "[[sessions]]\ncalibration = '../../outside/kept'\n",
    "[[sessions]]\ncalibration = 7\n",
    "[[sessions]]\ncalibration = '" + "c" * 300 + ".toml'\n",
    "[[sessions]]\ncalibration = 'link.toml'\n",
    "a = " + "[" * 3000 + "]" * 3000 + "\n",
    "a = " + "{a=" * 2000 + "1" + "}" * 2000 + "\n",
    "a" + ".a" * 20_000 + " = 1\n", "n = " + "9" * 6000 + "\n",
    "x = nan\n", "x = inf\n", "d = 0000-00-00\n", "[[sessions]]\nmono = 'no table'\n", "\x00", "[" * 500,
    "[[sessions]]\nmono = {width = 1e400, height = -5}\ncolor = {}\n", "s = '''" + "\n" * 5000,
)  # fmt: skip

Mutation = Callable[[Path, random.Random], None]


def mutate(folder: Path, rng: random.Random) -> list[str]:
    """Spoil a dataset in one to three ways; return their names."""
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        name = rng.choice(list(MUTATIONS))
        try:
            MUTATIONS[name](folder, rng)
        except (OSError, IndexError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            name += " (not possible)"  # an earlier one took away what this one spoils
        done.append(name)
    return done


def _list_file(folder: Path, rng: random.Random) -> Path:
    return folder / rng.choice([name for name in LISTS if (folder / name).is_file()])


def _text_of(path: Path) -> str:
    return bytes_of(path).decode(errors="surrogateescape")


def _splice(path: Path, rng: random.Random, insert: bytes, remove: int = 0) -> None:
    data = bytes_of(path)
    place = some_place(data, rng)
    path.write_bytes(data[:place] + insert + data[place + remove :])


def _flip_bytes(folder: Path, rng: random.Random) -> None:
    path = _list_file(folder, rng)
    data = bytearray(bytes_of(path))
    for _ in range(rng.choice((1, 1, 3, 20))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(data)


def _truncate_list(folder: Path, rng: random.Random) -> None:
    path = _list_file(folder, rng)
    data = bytes_of(path)
    path.write_bytes(data[: some_place(data, rng)])


def _insert_bytes(folder: Path, rng: random.Random) -> None:
    _splice(_list_file(folder, rng), rng, rng.choice(BAD_BYTES) * rng.choice((1, 1, 2, 1000)))


def _remove_bytes(folder: Path, rng: random.Random) -> None:
    _splice(_list_file(folder, rng), rng, b"", rng.choice((1, 5, 200)))


def _shuffle_lines(folder: Path, rng: random.Random) -> None:
    path = _list_file(folder, rng)
    lines = bytes_of(path).split(b"\n")
    kind = rng.randrange(3)
    if kind == 0:
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    elif kind == 1:
        del lines[rng.randrange(len(lines))]
    else:
        rng.shuffle(lines)
    path.write_bytes(b"\n".join(lines))


def _long_line(folder: Path, rng: random.Random) -> None:
    filler = rng.choice((b"a", b"[", b'{"a":', b"9", b"\x00", b'"', b" ", b"\\"))
    line = filler * (rng.choice((2_000, 100_000, 3_000_000)) // len(filler))
    _splice(folder / rng.choice(JSON_LISTS), rng, rng.choice((b"\n", b"")) + line + rng.choice((b"\n", b"")))


def _many_lines(folder: Path, rng: random.Random) -> None:
    line = rng.choice((b"{}\n", b"\n", b"null\n", b"[]\n", b'{"name":"../x"}\n'))
    _splice(folder / rng.choice(JSON_LISTS), rng, b"\n" + line * rng.choice((10, 10, 1_000, 1_000, 20_000)))


def _json_value(folder: Path, rng: random.Random) -> None:
    """Replace, add or remove a value anywhere in a line: something a careless reader would stumble over."""

    def change(value: Any) -> None:
        target = value
        while True:
            keys = list(target) if isinstance(target, dict) else list(range(len(target)))
            key = rng.choice(keys)
            if isinstance(target[key], dict | list) and target[key] and rng.random() < 0.6:
                target = target[key]
                continue
            break
        kind = rng.randrange(8)
        if kind == 0 and isinstance(target, dict):
            del target[key]
        elif kind == 1 and isinstance(target, dict):
            target[rng.choice(BAD_NAMES)] = rng.choice(BAD_VALUES)
        else:
            target[key] = rng.choice(BAD_VALUES + BAD_NAMES)

    _change_line(folder / rng.choice(JSON_LISTS), rng, change)


def _bad_name(folder: Path, rng: random.Random) -> None:
    def change(value: Any) -> None:
        if "names" in value:
            value["names"] = [rng.choice(BAD_NAMES) for _ in range(3)]
        else:
            value["name"] = rng.choice(BAD_NAMES)

    _change_line(folder / rng.choice(JSON_LISTS[:2]), rng, change)


def _change_line(path: Path, rng: random.Random, change: Callable[[Any], None]) -> None:
    lines = bytes_of(path).split(b"\n")
    number = rng.randrange(max(1, len(lines) - 1))
    value = json.loads(lines[number])
    change(value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.7)
    lines[number] = text.encode("utf-8", "surrogatepass")
    path.write_bytes(b"\n".join(lines))


def _toml_text(folder: Path, rng: random.Random) -> None:
    path = folder / rng.choice(TABLES)
    lines = _text_of(path).splitlines(keepends=True)
    lines.insert(rng.choice((0, len(lines), rng.randrange(len(lines) + 1))), rng.choice(BAD_TOML))
    path.write_text("".join(lines), errors="surrogateescape")


def _toml_value(folder: Path, rng: random.Random) -> None:
    path = folder / rng.choice(TABLES)
    lines = _text_of(path).splitlines()
    number = rng.choice([n for n, line in enumerate(lines) if "=" in line])
    value = rng.choice(
        ("-1", "0", "1e308", "nan", "-inf", "[]", "{}", '""', '"x"', "true", "[[1]]", "1979-05-27", "9" * 30,
         "[1, 2]", "[[1,0,0],[0,1,0],[0,0,1]]", '"../../outside/kept"', "20001", "1e-300", "[1e308, 1e308]"),
    )  # fmt: skip
    lines[number] = f"{lines[number].split('=')[0]}= {value}"
    path.write_text("\n".join(lines) + "\n", errors="surrogateescape")


def _remove(folder: Path, rng: random.Random) -> None:
    path = rng.choice(sorted(folder.rglob("*")))
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _swap_kind(folder: Path, rng: random.Random) -> None:
    """Put a folder where a file was, a file where a folder was, or a pipe."""
    path = rng.choice(sorted(folder.rglob("*")))
    was_folder = path.is_dir() and not path.is_symlink()
    shutil.rmtree(path) if was_folder else path.unlink()
    kind = rng.randrange(3)
    if kind == 0:
        os.mkfifo(path)
    elif was_folder:
        path.write_bytes(b"a file")
    else:
        path.mkdir()


def _link(folder: Path, rng: random.Random) -> None:
    """Replace something by a link: out of the dataset, to something else in it, to itself, to nothing."""
    path = rng.choice(sorted(folder.rglob("*")))
    is_folder = path.is_dir() and not path.is_symlink()
    outside = folder.parent / "outside"
    targets = [outside if is_folder else outside / "kept.png", outside / "kept.toml", Path(path.name)]
    targets += [Path("nowhere"), rng.choice(sorted(folder.rglob("*"))), Path("/dev/zero"), Path("/dev/null")]
    target = rng.choice(targets)
    if rng.random() < 0.3 and not is_folder and target.is_absolute() and target.is_file():
        path.unlink()
        os.link(target if target.is_relative_to(folder) else folder / "pairs.jsonl", path)
        return
    shutil.rmtree(path) if is_folder else path.unlink()
    path.symlink_to(target)


def _add_link(folder: Path, rng: random.Random) -> None:
    """Lay a link where the program may write next."""
    names = (
        ".lock", ".edit-lock", "orphans", "trash", "trash/mono", "orphans/torn-lines.txt", "orphans/mono",
        "orphans/broken-pairs.jsonl", "orphans/bad-lines.jsonl", "events.jsonl", "notes.txt", "capture.toml",
        f".dataset.toml.{os.getpid()}.tmp", f".pairs.jsonl.{os.getpid()}.tmp", "mono/000099.png", "link.toml",
    )  # fmt: skip
    path = folder / rng.choice(names)
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(exist_ok=True)
    outside = folder.parent / "outside"
    target = rng.choice(
        (outside, outside / "kept.png", outside / "new", folder / "pairs.jsonl", Path("nowhere"))
    )
    if rng.random() < 0.2:
        os.mkfifo(path)
    elif rng.random() < 0.3 and target == folder / "pairs.jsonl":
        os.link(target, path)
    else:
        path.symlink_to(target)


def _stray_file(folder: Path, rng: random.Random) -> None:
    names = (
        b"mono/.x.tmp", b"mono/x y.png", b"color/\xff\xfe.png", b"mono/000077.png", b"color/\x1b[31m.png",
        b".dataset.toml.1.tmp", b"mono/" + b"9" * 40 + b".png", b"orphans", b"trash/mono/000001.png",
        b"calibration-2.toml", b"mono/\xd9\xa3.png", b"odd\nname", b"orphans/mono/" + b"9" * 80 + b".png",
        b"mono/000000.png.png", b"mono/000000.PNG", b"color/-.png",
    )  # fmt: skip
    path = os.path.join(os.fsencode(folder), rng.choice(names))  # noqa: PTH118 (pathlib takes no bytes)
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    if rng.random() < 0.2:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    elif not os.path.exists(path) or os.path.isfile(path):  # noqa: PTH110, PTH113
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(bytes_of(image_file(folder, rng)) if rng.random() < 0.7 else b"")


def _make_plain(folder: Path, rng: random.Random) -> None:  # noqa: ARG001 (all mutations are called alike)
    """Leave only the images, as a plain folder has."""
    for name in LISTS:
        if name != "calibration.toml":
            (folder / name).unlink(missing_ok=True)


MUTATIONS: dict[str, Mutation] = {
    "flip bytes of a list": _flip_bytes,
    "truncate a list": _truncate_list,
    "insert bytes into a list": _insert_bytes,
    "remove bytes of a list": _remove_bytes,
    "repeat, drop or shuffle lines": _shuffle_lines,
    "a very long line": _long_line,
    "very many lines": _many_lines,
    "a hostile JSON value": _json_value,
    "a hostile JSON value ": _json_value,
    "a hostile JSON value  ": _json_value,
    "a hostile name": _bad_name,
    "hostile TOML": _toml_text,
    "a hostile TOML value": _toml_value,
    "bytes of an image": image_bytes,
    "size in an image's header": image_size,
    "a decompression bomb": image_bomb,
    "something else for an image": image_other,
    "remove something": _remove,
    "a folder, file or pipe instead": _swap_kind,
    "a link instead": _link,
    "a link where is written": _add_link,
    "a stray file": _stray_file,
    "a plain folder": _make_plain,
}
