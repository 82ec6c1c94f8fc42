"""Channels on a stream of bits or soft symbols, cut into packets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.channels.changing import ChangingChain
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.symbol_noise import SymbolNoise
from voicelink.models.errors import ParameterError, one_of, require
from voicelink.models.sizes import SUPERFRAME_SECONDS

FORMS = ("bits", "symbols")

LONGEST = 8192
"""Items that a packet of a stream may have."""


class StreamChannel:
    """As many items come out as go in; those of a lost packet say nothing.

    A packet stands for one superframe, as everywhere: 256 bits of payload, or what the channels
    are told, by which noise is counted, and 320 ms, by which outages are.

    Args:
        form: "bits", 0 or 1, of which lost ones come out at random; or "symbols", +-1 and positive
            for 0, of which lost ones come out as 0.
        channels: those that keep a packet's time. With bits, noise must end in hard decisions.
        seed: a whole number of at least 0; the same gives the same run again.
        packet: items of a packet, a multiple of 8 from 8 to `LONGEST`.

    Raises:
        ParameterError: an argument is none of these.

    >>> from voicelink.link_sim.channels.losses import Loss
    >>> StreamChannel("symbols", [Loss(probability=1)], packet=8).carry(np.ones(8, np.float32))
    array([0., 0., 0., 0., 0., 0., 0., 0.], dtype=float32)
    """

    def __init__(
        self, form: str, channels: Iterable[Channel] = (), seed: int = 0, packet: int = 592
    ) -> None:
        self.form = one_of("form", form, FORMS)
        self.packet = int(require("packet", packet, 8, LONGEST))
        if self.packet % 8 or self.packet != packet:
            raise ParameterError(f"packet must be a multiple of 8, not {packet!r}")
        self._chain = ChangingChain(self.fitting(channels), seed)
        self._random = np.random.default_rng(seed)
        self._count = self._lost = 0

    def fitting(self, channels: Iterable[Channel]) -> list[Channel]:
        """The channels as this form needs them.

        Raises:
            ParameterError: one of them is for packets only.
        """
        result = []
        for channel in channels:
            if not channel.keeps_time:
                raise ParameterError(
                    f"a channel for {self.form} must keep their rate, which {channel.name} does "
                    "not: it is for PDUs"
                )
            if isinstance(channel, Awgn) and self.form == "symbols":
                if channel.modulation != "bpsk":
                    raise ParameterError(
                        f"awgn.modulation must be bpsk for symbols, not {channel.modulation}"
                    )
                noise = SymbolNoise(
                    ebn0_db=channel.ebn0_db,
                    decisions=channel.decisions,
                    waveform=channel.waveform,
                )
                noise.payload_bits = channel.payload_bits
                channel = noise
            if self.form == "bits" and channel.gives_soft(False):
                raise ParameterError(
                    f"{channel.name}.decisions must be hard for bits, which have no soft ones"
                )
            result.append(channel)
        return result

    def change(self, channels: Iterable[Channel]) -> None:
        """Other channels from the next packet on; `ParameterError` as for the constructor."""
        self._chain.change(self.fitting(channels))

    def carry(self, items: np.ndarray) -> np.ndarray:
        """One packet: (`packet`,) in and out, uint8 bits or float32 symbols."""
        bits = self.form == "bits"
        time = self._count * SUPERFRAME_SECONDS
        self._count += 1
        self._chain.push(time, Packet(np.packbits(items & 1) if bits else items.copy()))
        arrived = self._chain.pop(time)
        if arrived:
            ((_, packet),) = arrived
            return np.unpackbits(packet.data) if bits else packet.data
        self._lost += 1
        if bits:
            return self._random.integers(0, 2, self.packet, np.uint8)
        return np.zeros(self.packet, np.float32)

    def stats(self) -> dict[str, Any]:
        """``packets`` and ``lost`` of them since the start, and the counts of each channel."""
        return {"packets": self._count, "lost": self._lost, "channels": self._chain.stats()}
