"""Speech to and from a transport in real time: what `voicelink send` and `receive` run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import Receiver, Superframe
from voicelink.blocks.station import MOST_AFTER
from voicelink.blocks.transmitter import Transmitter
from voicelink.models.sizes import SUPERFRAME_SECONDS


def send_speech(
    transmitter: Transmitter,
    pieces: Iterable[np.ndarray],
    send: Callable[[Packet], object],
    paced: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send speech until it ends, and with it the over; the number of link frames sent.

    Args:
        transmitter: makes the link frames.
        pieces: float32 arrays, 8 kHz, of any length.
        send: called with each link frame.
        paced: hold each frame back until its speech would have been spoken; else as fast as it
            goes, for a receiver that does not mind or speech that comes in real time itself.
        stop: asked before each piece whether to end the over there.
    """
    began = time.monotonic()
    sent = 0

    def deliver(packets: list[Packet]) -> None:
        nonlocal sent
        for packet in packets:
            sent += 1
            if paced:
                due = began + (sent - transmitter.lead) * SUPERFRAME_SECONDS
                time.sleep(max(0.0, due - time.monotonic()))
            send(packet)

    for piece in pieces:
        if stop():
            break
        deliver(transmitter.send(piece))
    deliver(transmitter.finish())
    return sent


def receive_speech(
    receiver: Receiver,
    receive: Callable[[float], Packet | None],
    play: Callable[[Superframe], object],
    buffer: float = 0.4,
    idle: float = 5.0,
    seconds: float | None = None,
    paced: bool = True,
    keep: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Give out speech until the over ends; the number of superframes given out.

    The clock starts ``buffer`` seconds after the first frame, and after the first of another
    numbering that the receiver goes with; from then on a superframe goes out every 320 ms, whatever
    comes. An over ends with the frame that says so, or when nothing has come for ``idle`` seconds.
    So it does where frames of another model came and nothing else (`Receiver.stranger`), which are
    not given out; with ``keep`` it is waited for others. What follows the last over is taken in
    until its text is whole, or no more comes of it.

    Args:
        receiver: orders and decodes.
        receive: waits at most so many seconds for a packet; None where none came.
        play: called with each superframe.
        buffer: seconds to wait for stragglers.
        idle: seconds without a packet that end an over.
        seconds: stop after so long in any case; None: never.
        paced: on the clock; else each superframe as soon as it has come, and a missing one is
            concealed once ``buffer`` seconds of later ones have come.
        keep: go on with the next over.
        stop: asked twice a second whether to end.
    """
    began = heard = time.monotonic()
    due = strange = None
    given = 0
    depth = max(1, round(buffer / SUPERFRAME_SECONDS))

    def told() -> bool:
        return stop() or (seconds is not None and time.monotonic() - began >= seconds)

    def give() -> None:
        nonlocal given
        play(receiver.pull())
        given += 1

    while True:
        now = time.monotonic()
        wakes = [now + 0.5]
        if seconds is not None:
            wakes.append(began + seconds)
        if due is not None:
            wakes.append(due)
        packet = receive(max(0.0, min(wakes) - now))
        now = time.monotonic()
        resyncs, foreign = receiver.counts.resyncs, receiver.counts.foreign
        if packet is not None and receiver.push(packet) is not None:
            heard = now
            if due is None or receiver.counts.resyncs > resyncs:
                due = now + buffer
        if receiver.stranger is not None and receiver.counts.foreign > foreign:
            strange = now
        if paced:
            while due is not None and now >= due and not receiver.ended:
                give()
                due += SUPERFRAME_SECONDS
        else:
            while not receiver.ended and (receiver.ready or receiver.waiting > depth):
                give()
        silent = due is not None and now - heard > idle
        late = told()
        passed = due is None and strange is not None and now - strange > idle and not keep
        if silent or late or passed or receiver.ended:
            while receiver.waiting and not receiver.ended:
                give()
            if late or not keep:
                if receiver.ended:
                    _hear_out(receiver, receive, SUPERFRAME_SECONDS + buffer, told)
                return given
            receiver.reset()
            due = None


def _hear_out(
    receiver: Receiver,
    receive: Callable[[float], Packet | None],
    wait: float,
    told: Callable[[], bool],
) -> None:
    """Take in the text behind an over, waiting at most ``wait`` seconds for each frame."""
    quiet = time.monotonic() + wait
    # Others may go on sending.
    latest = quiet + MOST_AFTER * SUPERFRAME_SECONDS
    while not receiver.station.complete and not told():
        left = min(quiet, latest) - time.monotonic()
        if left <= 0:
            return
        packet = receive(min(left, 0.5))
        if packet is not None:
            receiver.push(packet)
            quiet = time.monotonic() + wait
