"""The results on disk that can be made again: how large they are, and letting go of the oldest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEFAULT_LIMIT_BYTES = 4 << 30


@dataclass(frozen=True)
class CacheSize:
    """What the cache takes: `count` results of `bytes` bytes together."""

    count: int = 0
    bytes: int = 0


def result_path(cache: Path, key: str) -> Path:
    """Return where the result of a key lies."""
    return cache / "results" / key[:2] / f"{key}.npz"


def size_of(cache: Path) -> CacheSize:
    """Return what the results in a cache take. Costs about 10 µs per result."""
    sizes = [size for _, size, _ in _files(cache)]
    return CacheSize(len(sizes), sum(sizes))


def trim(cache: Path, limit_bytes: int) -> int:
    """Remove the results that were used longest ago until the rest fits; return how many were removed."""
    files = sorted(_files(cache))
    total, removed = sum(size for _, size, _ in files), 0
    for _, size, path in files:
        if total <= limit_bytes:
            break
        with suppress(OSError):
            path.unlink()
            total -= size
            removed += 1
    return removed


def _files(cache: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield (when it was used last, ns; bytes; path) of every result."""
    for path in cache.glob("results/*/*.npz"):
        with suppress(OSError):
            stat = path.stat()
            yield stat.st_mtime_ns, stat.st_size, path
