"""Frame errors of FreeDV's modes over the very samples that our modem is measured on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voicelink.blocks.modem import MODEM_RATE
from voicelink.link_sim.fer import wilson
from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.modem.curve import TAIL, Over, Setting
from voicelink.link_sim.modem.freedv import FreeDv
from voicelink.models.sizes import SUPERFRAME_SECONDS


@dataclass(frozen=True)
class PeerPoint:
    """One point of a curve.

    Attributes:
        system: the FreeDV mode.
        setting: what our modem was measured with.
        snr_db: of the mean signal, in 3 kHz.
        frames, errors: its packets sent, of 160 ms (700D) or 80 ms (700E); of them those that did
            not come out, or with errors.
        fer, low, high: share of errors with its 95 % Wilson interval.
    """

    system: str
    setting: Setting
    snr_db: float
    frames: int
    errors: int
    fer: float
    low: float
    high: float


def measure_peer(
    name: str,
    setting: Setting,
    snr_db: float,
    frames: int,
    seed: int = 0,
    progress: Callable[[int], object] = lambda frames: None,
) -> PeerPoint:
    """As `voicelink.link_sim.modem.curve.measure`: the same overs, of the same length, on the same
    samples of noise and fading; ``frames`` counts superframes of 320 ms.

    Raises:
        ParameterError: no such mode or path, libcodec2 is missing, or a number is out of range.
    """
    freedv = FreeDv(name)
    seconds = setting.over * SUPERFRAME_SECONDS
    packets = math.ceil(seconds / freedv.packet_seconds)
    signal = freedv.send_test(packets)
    overs = -(-frames // setting.over)
    good = 0
    for number in range(overs):
        over = Over.of(setting, seed, number)
        lead, tail = (np.zeros(round(t * MODEM_RATE), np.complex64) for t in (over.lead, TAIL))
        chain = IqChain(over.path(setting, snr_db), over.noise, MODEM_RATE)
        received = chain.process(np.concatenate((lead, signal, tail)))
        good += min(packets, freedv.receive(received, test=True).good)
        progress((number + 1) * setting.over)
    sent = overs * packets
    errors = sent - good
    return PeerPoint(name, setting, snr_db, sent, errors, errors / sent, *wilson(errors, sent))
