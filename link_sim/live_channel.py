"""A live channel in a thread of its own, for those who have no loop to give to it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.changing import ChangingChain
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.live import LiveReport, run_live

_REPORT_S = 0.1


class LiveChannel:
    """`run_live` from `start` to `stop`; all methods may be called from any thread.

    Args:
        channels: as of `ChannelChain`.
        seed: a whole number of at least 0; the same gives the same losses and errors again.
        deliver: called with each packet that comes out, in the channel's thread.

    Attributes:
        report: what has passed, renewed every tenth of a second.

    Raises:
        ParameterError: as `ChannelChain`.
    """

    def __init__(
        self, channels: Iterable[Channel], seed: int, deliver: Callable[[Packet], Any]
    ) -> None:
        self._chain = ChangingChain(channels, seed)
        self._exit = _Exit(deliver)
        self._entry = _Entry(self._chain)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="channel", daemon=True)
        self.report = LiveReport()

    def start(self) -> None:
        """Begin; the channels' time counts from here."""
        self._thread.start()

    def put(self, packet: Packet) -> None:
        """A packet goes in now."""
        self._entry.queue.put(packet)

    def change(self, channels: list[Channel]) -> None:
        """Other channels for what is put in from now on (`ChangingChain.change`)."""
        self._entry.queue.put(lambda: self._chain.change(channels))

    def when_empty(self, call: Callable[[], Any]) -> None:
        """Call ``call`` once, in the channel's thread, when nothing is under way any more."""
        self._entry.queue.put(lambda: setattr(self._entry, "when_empty", call))

    def stop(self) -> None:
        """End; what is under way is dropped."""
        self._stop.set()
        self._entry.queue.put(lambda: None)  # wakes it up
        self._thread.join()

    def _run(self) -> None:
        self.report = run_live(
            self._entry,
            self._exit,
            self._chain,
            stop=self._stop.is_set,
            on_status=self._note,
            status_every=_REPORT_S,
        )

    def _note(self, report: LiveReport) -> None:
        self.report = report


class _Entry:
    """A `PacketSource` fed by a queue of packets and of calls that are to be made between them."""

    def __init__(self, chain: ChangingChain) -> None:
        self.queue: queue.SimpleQueue[Packet | Callable[[], Any]] = queue.SimpleQueue()
        self.when_empty: Callable[[], Any] | None = None
        self._chain = chain

    def receive(self, timeout_s: float) -> Packet | None:
        if self.when_empty and self.queue.empty() and not self._chain.waiting:
            call, self.when_empty = self.when_empty, None
            call()
        try:
            item = self.queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(item, Packet):
            return item
        item()
        return None


class _Exit:
    """A `PacketSink` that calls a function."""

    def __init__(self, deliver: Callable[[Packet], Any]) -> None:
        self.send = deliver
