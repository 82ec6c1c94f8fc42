"""White Gaussian noise, with the modulator before it and the demodulator behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.fsk import Fsk
from voicelink.link_sim.channels.likelihood import bit_llrs, likeliest
from voicelink.link_sim.channels.parameters import choice, number
from voicelink.link_sim.channels.psk import Psk
from voicelink.link_sim.channels.radio import OnAir, Signal
from voicelink.models.errors import ParameterError

MODULATIONS = {"bpsk": Psk(1), "qpsk": Psk(2), "2fsk": Fsk(1), "4fsk": Fsk(2)}

WAVEFORMS = ("single", "multicarrier")


@dataclass(kw_only=True, eq=False)
class Awgn(Channel):
    """A modem over additive white Gaussian noise, Eb/N0 counted for each bit of the payload.

    A packet of n bits carries one superframe, k = 256 bits of payload or what else the model has,
    so its header, CRC and error correction are all paid from the same energy; a symbol of m bits
    has ::

        Es/N0 = Eb/N0 * k m / n

    Without coding and on a clear path a bit is wrong with the probability

    - ``bpsk`` and ``qpsk``, coherent, in Gray's order: ``Q(sqrt(2 Es/N0 / m))``;
    - ``2fsk``, orthogonal and noncoherent: ``exp(-Es/N0 / 2) / 2``;
    - ``4fsk``: ``2/3 (3/2 exp(-Es/N0 / 2) - exp(-2/3 Es/N0) + exp(-3/4 Es/N0) / 4)``.

    The receiver knows gain and phase of a fading path (`RadioEffect`) at every symbol, in BPSK and
    QPSK, the strength in FSK, and the statistics of the noise; with these, LLRs are exact:
    ``log(P(0 | y) / P(1 | y))``. For BPSK that is ``2 y / s^2`` with ``s^2 = N0 / 2``: of a 0 it
    has the mean ``4 Es/N0`` and twice that as variance. It does not know what offsets are left.

    ``waveform: multicarrier`` sends BPSK or QPSK as 16 rows of 20 ms on as many carriers as it
    takes, 62.5 Hz apart, with a guard interval of 4 ms, whose energy is not counted.

    Hard packets come out soft (float32 LLRs), or hard again with ``decisions: hard``, as the
    likeliest symbols; soft packets cannot be sent.

    Source: Proakis & Salehi, Digital Communications, 5th ed., sections 4.3 and 4.5.
    """

    name = "awgn"
    help = "white Gaussian noise, with modulator and soft demodulator"
    takes_soft = False

    ebn0_db: float = number("Eb/N0 for each bit of the payload", low=-50, high=50, unit="dB")
    decisions: str = choice("what the demodulator hands on", ("soft", "hard"), default="soft")
    modulation: str = choice("how bits become symbols", tuple(MODULATIONS), default="bpsk")
    waveform: str = choice("on one carrier or many", WAVEFORMS, default="single")

    def _check(self):
        self._modem = MODULATIONS[self.modulation]
        self.multicarrier = self.waveform == "multicarrier"
        if self.multicarrier and not isinstance(self._modem, Psk):
            raise ParameterError(
                f"awgn.waveform multicarrier needs modulation bpsk or qpsk, not {self.modulation}"
            )

    def gives_soft(self, soft: bool) -> bool:
        return self.decisions == "soft"

    def _start(self):
        self._bits = self._wrong = 0

    def _carry(self, time, packet):
        if packet.soft:
            raise ParameterError("awgn sends hard bits, and got a soft packet")
        sent = np.unpackbits(packet.data)
        if len(sent):
            received, signal, n0 = self._heard(self._modem.send(sent), packet)
            logs = self._modem.logs(received, signal, n0)
            decided = likeliest(logs)
            self._count(decided != sent)
            data = np.packbits(decided) if self.decisions == "hard" else bit_llrs(logs)
        else:
            data = sent
        if self.decisions == "soft":
            data = data.astype(np.float32)
        return [(time, Packet(data, packet.number, packet.metadata))]

    def _heard(self, symbols: np.ndarray, packet: Packet) -> tuple[np.ndarray, Signal, float]:
        """Symbols of a packet as they were received, the signal that they were, and N0 / Es."""
        signal = Signal(len(symbols), self.multicarrier)
        for effect in packet.effects if isinstance(packet, OnAir) else ():
            effect(signal)
        esn0 = 10 ** (self.ebn0_db / 10) * self.payload_bits / len(symbols)
        return self._modem.receive(symbols, signal, 1 / esn0, self._random), signal, 1 / esn0

    def _count(self, wrong: np.ndarray) -> None:
        self._bits += len(wrong)
        self._wrong += int(wrong.sum())

    def _figures(self) -> dict[str, Any]:
        return {"bits": self._bits, "wrong": self._wrong}
