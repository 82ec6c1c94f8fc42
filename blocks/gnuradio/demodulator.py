"""Demodulator block: the link's own waveform to link frames of soft bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import OUT, from_bytes
from voicelink.blocks.modem import Burst, Demodulator
from voicelink.blocks.pdu import (
    CONFIRMED,
    ESN0_DB,
    FREQUENCY,
    POSITION,
    PROFILE,
    SNR_DB,
    packet_to_pdu,
)
from voicelink.models.card import DEFAULT, card


class demodulator(Guarded, gr.sync_block):
    """Finds bursts in complex baseband at 8000 samples/s, wherever they begin.

    Silent on noise. What comes out does not depend on the portions that samples come in.

    Ports:
        stream in: complex, of any level; NaN and infinities count as 0. A burst comes out some
            samples after its last one: behind a file let 0.2 s of silence follow.
        message ``out``: link-frame PDUs, f32, the LLRs of the frame's bits, with ``frequency`` (Hz
            that the signal is off), ``snr_db`` (in 3 kHz), ``esn0_db`` (of a symbol), ``position``
            (sample of the first symbol, since the start), ``confirmed`` (beyond doubt a burst;
            others come while bursts follow each other) and ``profile``.

    Args:
        mode: the sender's mode by name.
        spread: packets that the sender spreads each frame over, 1, 2, 4, 8 or 16.
        frequency_range: Hz that the signal may be off to either side, 0 to 500.
        model: the speech decoder's: its payloads' size says how long frames are.

    Attributes:
        bursts: how many came out; ``confirmed`` of them beyond doubt.

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        mode: str = "bpsk",
        spread: int = 1,
        frequency_range: float = 250.0,
        model: str | Path = DEFAULT,
    ) -> None:
        bits = card(model).payload_bits
        self._demodulator = Demodulator(mode, spread, frequency_range, bits)
        self.bursts = self.confirmed = 0
        gr.sync_block.__init__(self, "voicelink_demodulator", [np.complex64], None)
        self.message_port_register_out(OUT)

    @property
    def locked(self) -> bool:
        """Whether a burst is expected at a certain place of the stream."""
        return self._demodulator.locked

    def start(self) -> bool:
        """Begin with a new stream; the counts go on."""
        self._demodulator.reset()
        return True

    @guarded(otherwise=lambda self, inputs, outputs: len(inputs[0]))
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call: takes all samples."""
        for burst in self._demodulator.push(input_items[0]):
            self._publish(burst)
        return len(input_items[0])

    def _publish(self, burst: Burst) -> None:
        metadata = {
            FREQUENCY: float(burst.frequency),
            SNR_DB: float(burst.snr_db),
            ESN0_DB: float(burst.esn0_db),
            POSITION: float(burst.position),
            CONFIRMED: bool(burst.confirmed),
            PROFILE: self._demodulator.mode.profile,
        }
        self.message_port_pub(OUT, from_bytes(packet_to_pdu(burst.packet, metadata)))
        self.bursts += 1
        self.confirmed += burst.confirmed
