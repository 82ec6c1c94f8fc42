"""Modulator block: link frames to the link's own waveform."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, to_bytes
from voicelink.blocks.modem import MODEM_RATE, Modulator
from voicelink.blocks.pdu import END, pdu_to_packet
from voicelink.blocks.spread import packet_lengths
from voicelink.blocks.stream_items import as_frame
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import one_of, require

LONGEST = 10.0
"""Seconds of silence at most before and after an over."""

_FIRST, _LAST = pmt.intern("tx_sob"), pmt.intern("tx_eob")
_BUFFER = 512
"""Samples of the output buffer, 64 ms: the fewest that GNU Radio makes, a page of memory."""

_WAIT_MS = 5
_AT_THE_END = MODEM_RATE // 2
"""Samples of silence behind the last over of a file: what follows holds back some of them."""

_DONE = -1


class modulator(Guarded, gr.basic_block):
    """Link frames to complex baseband at 8000 samples/s: one burst of 320 ms for each.

    Ports:
        message ``in``: link-frame PDUs of the mode's profile, u8, packed or one bit a byte, as a
            framer gives them; metadata ``end`` ends the over, and a ``number`` of 0 begins one.
        stream out: complex, of mean power 1 while sending.

    With ``pace`` "clock" the signal goes on as fast as the sink takes it, with zeros between overs,
    for hardware that is always fed. With "data" nothing comes between overs, and it ends with the
    frames; the first sample of an over has the tag ``tx_sob`` and its last one ``tx_eob``, for
    hardware that keys on bursts. (No ``packet_len``: how long an over will be is not known when it
    begins.)

    Frames come every 320 ms by the clock of a sound card, and leave by that of the radio. The
    silence before an over is what they may be late; if one comes later still, the signal is closed,
    zeros follow, and the frame begins it anew.

    Args:
        mode: the modem's mode by name.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16, as at the framer.
        pace: "clock" or "data".
        lead: seconds of silence before an over, 0 to 10; transmitters switch over in that time.
        tail: seconds of silence after an over, 0 to 10.
        model: the speech encoder's: its payloads' size says how long frames are.

    Attributes:
        bursts: frames that were sent.
        gaps: how often a frame came too late to go on without a gap; with ``pace`` "clock".

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        mode: str = "bpsk",
        spread: int = 1,
        pace: str = "clock",
        lead: float = 0.1,
        tail: float = 0.05,
        model: str | Path = DEFAULT,
    ) -> None:
        self._bits = card(model).payload_bits
        self._modulator = Modulator(mode, spread, self._bits)
        self._clock = one_of("pace", pace, ["clock", "data"]) == "clock"
        self._lead = round(MODEM_RATE * require("lead", lead, 0, LONGEST))
        self._tail = round(MODEM_RATE * require("tail", tail, 0, LONGEST))
        self.bursts = self.gaps = 0
        self._clear()
        gr.basic_block.__init__(self, "voicelink_modulator", None, [np.complex64])
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self._on_packet)
        self.set_blkd_input_timer_value(_WAIT_MS)
        self.set_max_output_buffer(_BUFFER)

    def _clear(self) -> None:
        self._modulator.reset()
        self._held: deque[np.ndarray] = deque()  # to be sent
        self._tags: deque[tuple[int, pmt.pmt_base]] = deque()  # at samples of the output
        self._queued = 0  # samples of the output, those held included
        self._open = False  # within an over
        self._ended = False

    def start(self) -> bool:
        """Begin afresh; the counts go on."""
        self._clear()
        return True

    @guarded
    def _on_packet(self, message: pmt.pmt_base) -> None:
        packet = as_frame(pdu_to_packet(to_bytes(message)), packet_lengths(self._bits))
        if self._open and packet.number == 0:
            self._close()  # an over whose end was lost
        signal = self._modulator.modulate(packet)
        if not self._open:
            self._mark(_FIRST)
            self._put(np.zeros(self._lead, np.complex64))
            self._open = True
        self._put(signal)
        self.bursts += 1
        if (packet.metadata or {}).get(END) is True:
            self._close()

    def _close(self) -> None:
        self._put(self._modulator.finish())
        self._put(np.zeros(self._tail, np.complex64))
        self._mark(_LAST, -1)
        self._open = False

    def _put(self, samples: np.ndarray) -> None:
        if len(samples):
            self._held.append(samples)
            self._queued += len(samples)

    def _mark(self, tag: pmt.pmt_base, shift: int = 0) -> None:
        if not self._clock:
            self._tags.append((self._queued + shift, tag))

    @guarded(otherwise=lambda self, *_: 0)
    def general_work(self, input_items, output_items) -> int:
        """GNU Radio's call: give out what there is room for."""
        out = output_items[0]
        if self._clock and self._open and self._waiting() < len(out):
            self.gaps += 1
            self._close()
        if not self._held and self.finished():
            return self._end(out)
        count = self._give(out)
        if self._clock and count < len(out):
            out[count:] = 0
            self._queued += len(out) - count
            count = len(out)
        return count

    def _waiting(self) -> int:
        return sum(map(len, self._held))

    def _end(self, out: np.ndarray) -> int:
        """No frame will come any more."""
        if self._ended:
            return _DONE
        if self._open:
            self._close()
        self._put(np.zeros(_AT_THE_END, np.complex64))
        self._ended = True
        return self._give(out)

    def _give(self, out: np.ndarray) -> int:
        count = 0
        while self._held and count < len(out):
            samples = self._held.popleft()
            part = samples[: len(out) - count]
            out[count : count + len(part)] = part
            count += len(part)
            if len(part) < len(samples):
                self._held.appendleft(samples[len(part) :])
        until = self.nitems_written(0) + count
        while self._tags and self._tags[0][0] < until:
            offset, tag = self._tags.popleft()
            self.add_item_tag(0, offset, tag, pmt.PMT_T)
        return count
