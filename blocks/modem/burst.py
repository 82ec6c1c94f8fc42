"""What the demodulator gives out."""

from __future__ import annotations

from dataclasses import dataclass

from voicelink.blocks.packet import Packet


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst out of the stream.

    Attributes:
        packet: float32 LLRs of the packet's bits; its number is not known.
        position: sample, since the last reset, at which the first symbol lies; with several
            paths in the middle of their energy.
        frequency: Hz by which the signal is off.
        esn0_db: Es/N0 in dB, the mean over the burst, within -20 to 40.
        snr_db: signal-to-noise ratio in 3 kHz, dB: `esn0_db` and the symbol rate over 3 kHz.
        confirmed: whether it is beyond doubt a burst: the CRC of its frame is right, or it fits
            the burst's shape far better than noise does. Others are given out while bursts
            follow each other.
    """

    packet: Packet
    position: float
    frequency: float
    esn0_db: float
    snr_db: float
    confirmed: bool
