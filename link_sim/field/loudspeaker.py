"""What is received, on a loudspeaker, while it is recorded: a `Listener` in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import Receiver
from voicelink.link_sim.listen import Listener, Speaker
from voicelink.models.card import DEFAULT

BUFFER = 0.2
"""Seconds that the first frame of an over waits, as the demodulator finds frames now sooner, now
later."""

IDLE = 3.0
"""Seconds without anything to play that end an over."""


class Loudspeaker:
    """Packets in, at any time; sound out, on the card's clock. A context manager.

    What goes wrong here is said once, and stops nothing else.

    Args:
        card: where the sound goes, as `voicelink.blocks.sound_card.SoundOutput`.
        say: called with a line of what happens.
        model: a released model's id or a model folder.
    """

    def __init__(
        self, card: Speaker, say: Callable[[str], object], model: str | Path = DEFAULT
    ) -> None:
        self._say = say
        self._queue: queue.SimpleQueue[Packet] = queue.SimpleQueue()
        self._listener = Listener(Receiver(model=model), self, card, BUFFER, IDLE)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loudspeaker", daemon=True)

    def __enter__(self) -> Loudspeaker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(2.0)

    def put(self, packet: Packet) -> None:
        """A packet that was received now."""
        # Nobody takes them out of a loudspeaker that has failed.
        if not self._closed.is_set():
            self._queue.put(packet)

    def receive(self, timeout_s: float) -> Packet | None:
        """The next packet, or None: what the thread asks for."""
        try:
            return self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                self._listener.step()
        # Whatever it is, the recording goes on.
        except Exception as error:
            self._closed.set()
            self._say(f"the loudspeaker is silent from here on: {error}")
