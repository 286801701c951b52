"""numpy's own files (NPY, NPZ) are read by one thread at a time.

Their headers are Python literals, and the parser of CPython 3.11 counts its depth once for all threads: two
that read at the same time make it raise SystemError (python/cpython issue 106905).
"""

from __future__ import annotations

import threading

one_reader = threading.Lock()
"""To be held while `numpy.load` reads, members of an NPZ included."""
