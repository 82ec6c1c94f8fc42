"""The link's own modem over a path of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.blocks.modem.mode import mode, modes
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import payload_sizes
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import choice, number, switch
from voicelink.link_sim.channels.seeds import seed_sequence
from voicelink.link_sim.channels.two_waves import PRESETS
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SUPERFRAME_SECONDS

NO_FADING = "none"

LEAD_SECONDS = 0.25
"""Noise before the first packet."""

_GUARD = 0.1  # seconds after the moment when the next packet should have come: then the over ends
_LONGEST = 10.0  # seconds of silence between two overs that are worked through


@dataclass(kw_only=True, eq=False)
class Modem(Channel):
    """Modulator, path and demodulator of the radio waveform (FORMAT.md, "Waveform").

    Packets that come every 320 ms make an over; one that is missing ends it, and the next begins
    another. A packet comes out as soft bits when the demodulator gives its burst out, somewhat more
    than the 320 ms later that it takes on the air. What it does not find is lost. It need not know
    the errors of frequency and clock: it finds and follows them.

    The mean power of the signal counts, all that is sent: at 800 bit/s of payload Eb/N0 is 5.74 dB
    more than the SNR in 3 kHz.
    """

    name = "modem"
    help = "the radio waveform: modulator, path and demodulator on samples"
    takes_soft = False
    keeps_time = False

    snr_db: float = number("mean signal over the noise in 3 kHz", low=-60, high=100, unit="dB")
    mode: str = choice("the waveform", tuple(modes()), default="bpsk")
    fading: str = choice("path by way of the ionosphere", (NO_FADING, *PRESETS), default=NO_FADING)
    offset_hz: float = number("frequency error of the receiver", low=-500, high=500, unit="Hz",
                              default=0.0)  # fmt: skip
    ppm: float = number("clock error of the receiver", low=-200, high=200, unit="ppm",
                        default=0.0)  # fmt: skip
    cheap: bool = switch("receiver with the faults of a cheap one beside these", default=False)

    def gives_soft(self, soft: bool) -> bool:
        return True

    def reset(self, seed):
        self._seed = seed_sequence(seed)
        super().reset(seed)

    def _start(self):
        self._air = None
        # Packets that frames are spread over, 1 or more, and bits of a payload.
        self._carried: tuple[int, int] | None = None
        self._waiting: dict[int, Packet] = {}
        self._free = 0.0  # when the transmitter is done with what it has
        self._due: float | None = None
        self._false = 0

    def send(self, time, packet):
        self._check_length(packet)
        self._in += 1
        out = self._silence(time) if self._due is None else []
        self._waiting[self._air.sent] = packet
        out += self._air.send(packet)
        self._free = max(time, self._free) + SUPERFRAME_SECONDS
        self._due = self._free + _GUARD
        return self._given(time, out)

    def _check_length(self, packet: Packet) -> None:
        """Packets tell by their length, which all of them have, whether they are spread, and how
        long the payloads are."""
        here = mode(self.mode)
        bits = {
            (spread, size): here.layout(spread, size).bits
            for size in payload_sizes()
            for spread in (1, 2)
        }
        self._carried = self._carried or next((c for c in bits if bits[c] == packet.bits), None)
        if packet.soft or bits.get(self._carried) != packet.bits:
            known = ", ".join(map(str, bits.values()))
            wrong = f"of {packet.bits}: the sender needs --profile {here.profile}"
            wrong = "soft ones" if packet.soft else wrong
            raise ParameterError(
                f"modem carries packets of {known} hard bits, all alike, with mode {self.mode}"
                f" (profile {here.profile}), not {wrong}"
            )

    def due(self):
        return self._due

    def wake(self, time):
        """The over's end, if no packet has come: the last bursts come out."""
        if self._due is None or time < self._due:
            return []
        self._due = None
        out = self._air.pause(self._air.demodulator.latency + 2 * _GUARD)
        self._free = time
        given = self._given(time, out)
        self._lost += len(self._waiting)
        self._waiting.clear()
        return given

    def _silence(self, time: float) -> list:
        """Noise since the over before."""
        if self._air is None:
            from voicelink.link_sim.modem.air import Air
            from voicelink.link_sim.modem.path import path

            fading = "awgn" if self.fading == NO_FADING else f"watterson-{self.fading}"
            effects = path(fading, self.snr_db, self.offset_hz, self.ppm, self.cheap)
            self._air = Air(self.mode, self._carried[0], effects, self._seed, self._carried[1])
            return self._air.pause(LEAD_SECONDS)
        return self._air.pause(min(max(0.0, time - self._free), _LONGEST))

    def _given(self, time: float, heard: list) -> list[tuple[float, Packet]]:
        """The packets that were heard; those before them that were not are lost."""
        out = []
        for place, burst in heard:
            if place is None:
                self._false += 1
                continue
            packet = self._waiting.pop(place)
            out.append((time, Packet(burst.packet.data, packet.number, packet.metadata)))
            missed = [n for n in self._waiting if n < place]
            self._lost += len(missed)
            for n in missed:
                del self._waiting[n]
        self._out += len(out)
        return out

    def _figures(self) -> dict[str, Any]:
        return {"under_way": len(self._waiting), "false": self._false}
