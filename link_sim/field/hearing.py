"""A signal from a file through a listener."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from voicelink.link_sim.field.listener import Frame, SignalListener
from voicelink.link_sim.field.signals import Capture, Signal


def hear(
    signal: Signal,
    listener: SignalListener,
    pace: Callable[[int], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Capture, Frame]]:
    """The frames of all captures in order, each capture's with the capture.

    Args:
        signal: what `open_signal` gave.
        listener: made for its rate.
        pace: called with the count of each piece of samples before it is listened to.
        stop: asked before each whether to end.
    """
    for capture in signal.captures:
        for samples in signal.read(capture):
            if stop():
                break
            pace(len(samples))
            for frame in listener.push(samples):
                yield capture, frame
        for frame in listener.end():
            yield capture, frame
