"""Who hangs and who is merely slow."""

from __future__ import annotations

from capture.pulse import LOOK_S, PATIENCE_S, PulseWatch, patience_s


def test_beats_keep_the_watch_quiet() -> None:
    watch = PulseWatch(1.0)
    assert not any(watch.look(beats, beats * 0.9) for beats in range(100))


def test_silence_beyond_the_patience_is_a_hang() -> None:
    watch = PulseWatch(1.0)
    looks = [watch.look(7, step * 0.2) for step in range(8)]
    assert looks == [False] * 6 + [True] * 2
    assert not watch.look(8, 1.6), "a beat ends it"


def test_a_watcher_that_was_held_up_blames_nobody() -> None:
    watch = PulseWatch(1.0)
    watch.look(7, 0.0)
    assert not watch.look(7, 3600.0), "the computer slept: the other side did not get to beat either"
    assert watch.silent_s <= 2 * LOOK_S


def test_large_images_may_take_longer() -> None:
    assert patience_s() == PATIENCE_S
    assert patience_s((5000, 4000), (5000, 4000)) == PATIENCE_S + 40
