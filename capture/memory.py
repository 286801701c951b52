"""Memory that was freed and should be the system's again."""

from __future__ import annotations

import ctypes
import sys


def return_freed_memory() -> None:
    """Hand freed memory back to the system, where the C library would keep it (glibc).

    After the first large buffer was freed, glibc takes the next ones from its heap, and one small block
    above them keeps all of them in the process: hundreds of MB after a stream, by chance.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # musl has none, and keeps nothing
        trim(0)
