"""A GenTL producer of our own: two simulated cameras before the virtual rig's scene.

The producer is C++ and built on demand (`make simulator`, `capture/simulator/build.py`); everything else
here runs without it. docs/simulator.md tells what it can do, docs/decisions/090-simulated-producer.md why.
"""
