"""Freed memory goes back to the system, also from below a block that is still in use."""

from __future__ import annotations

import ctypes
import sys

import psutil
import pytest

from capture.memory import return_freed_memory

LARGE, COUNT = 100_000, 1000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library has no malloc_trim")
def test_freed_blocks_below_one_in_use_go_back() -> None:
    assert sys.platform.startswith("linux")
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(LARGE) for _ in range(COUNT)]
    for block in blocks:
        ctypes.memset(block, 1, LARGE)
    above = libc.malloc(LARGE)
    for block in blocks:
        libc.free(block)
    process = psutil.Process()
    kept = process.memory_info().rss
    return_freed_memory()
    given_back = kept - process.memory_info().rss
    libc.free(above)
    assert given_back > 0.8 * LARGE * COUNT
