"""Ways to spoil an image of a dataset, most of them with a line that believes in it."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from functools import cache
from pathlib import Path

from capture.frames import ROLES


def image_file(folder: Path, rng: random.Random) -> Path:
    """Return one of the images that are in their place. Raises IndexError if there is none."""
    return rng.choice(sorted(path for role in ROLES for path in (folder / role).glob("*.png")))


def bytes_of(path: Path) -> bytes:
    """Return the content of a file. Raises OSError if an earlier mutation made it something endless."""
    if not path.is_file():
        raise OSError(f"{path} is no file any more")
    return path.read_bytes()


def some_place(data: bytes, rng: random.Random) -> int:
    """Return a place in the data, its end included."""
    return rng.randrange(len(data) + 1)


def image_bytes(folder: Path, rng: random.Random) -> None:
    """Change some bytes, as a rule of the header."""
    path = image_file(folder, rng)
    data = bytearray(bytes_of(path))
    for _ in range(rng.choice((1, 4, 40))):
        data[rng.randrange(min(len(data), rng.choice((40, 10**9))))] = rng.randrange(256)
    _replace_image(folder, path, bytes(data), rng)


def image_size(folder: Path, rng: random.Random) -> None:
    """Claim another size in the header, with a checksum that fits: a decompression bomb, or too few rows."""
    path = image_file(folder, rng)
    data = bytes_of(path)
    sides = (0, 1, 3, 40, 41, 16_000, 19_999, 65_535, 1_000_000, 2**31 - 1, 2**32 - 1)
    header = struct.pack(">II", rng.choice(sides), rng.choice(sides)) + bytes(
        (rng.choice((1, 2, 4, 8, 16, 7)), rng.choice((0, 2, 3, 4, 6, 5)), 0, 0, rng.choice((0, 0, 1)))
    )
    chunk = b"IHDR" + header
    _replace_image(folder, path, data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:], rng)


def image_bomb(folder: Path, rng: random.Random) -> None:
    """A whole PNG that unfolds to much more than it has bytes."""
    side = rng.choice((64, 64, 1_000, 1_000, 3_000, 3_000, 8_000))
    rows = _nothing_but_black(side)

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    _replace_image(folder, image_file(folder, rng), data, rng)


@cache
def _nothing_but_black(side: int) -> bytes:
    return zlib.compress(b"\x00" * ((side + 1) * side), 9)


def image_other(folder: Path, rng: random.Random) -> None:
    """Put something else in the place of an image, or a part of it."""
    path = image_file(folder, rng)
    data = bytes_of(path)
    other = rng.choice(
        (b"", b"\x89PNG\r\n\x1a\n", data[: some_place(data, rng)], bytes_of(image_file(folder, rng)),
         b"GIF89a", rng.randbytes(300), data + rng.randbytes(20), b"\xff\xd8\xff\xe0", data + b"\x00" * 9),
    )  # fmt: skip
    _replace_image(folder, path, other, rng)


def _replace_image(folder: Path, path: Path, data: bytes, rng: random.Random) -> None:
    """Write an image; two times in three with a line that knows its size and hash, so that it is believed."""
    path.unlink()
    path.write_bytes(data)
    if rng.random() < 1 / 3:
        return
    listed = folder / "pairs.jsonl"
    lines = bytes_of(listed).split(b"\n")
    for number, line in enumerate(lines):
        if f'"name":"{path.stem}"'.encode() in line:
            value = json.loads(line)
            value[path.parent.name] |= {
                "size_bytes": max(1, len(data)),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            if rng.random() < 0.3:
                value[path.parent.name] |= {"layout": "mono", "bits": 8}
            lines[number] = json.dumps(value, separators=(",", ":")).encode()
    listed.write_bytes(b"\n".join(lines))
