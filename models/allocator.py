"""What the C library does with memory that is given back: on Linux, by default, the wrong thing for us."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # names of glibc's mallopt(3)
_KEEP_BYTES = 2**31 - 1
_BLOCK_BYTES = 2**30
_PAD_BYTES = 2**26


def keep_freed_memory() -> None:
    """Let the process keep memory that tensors gave back, for the next ones; glibc only, elsewhere nothing.

    By default glibc returns every large block to the kernel at once, and the kernel clears each of its pages
    when the next tensor touches it: that costs more than most of our arithmetic (docs/decisions/072). The
    process grows no further than its peak, which it needs for every pair anyway.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library
        return
    mallopt(_MMAP_THRESHOLD, _BLOCK_BYTES)
    mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    mallopt(_TOP_PAD, _PAD_BYTES)
