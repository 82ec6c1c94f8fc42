"""Noise that comes in clicks: ignition, switches, power lines, lightning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.channels.radio import RadioEffect, Signal


@dataclass(kw_only=True, eq=False)
class ImpulseNoise(RadioEffect):
    """Bernoulli-Gaussian noise: some symbols meet additional noise of much more power.

    Each symbol is hit with the same probability, independently; its noise then has ``1 + ratio``
    times the power of the background, which is that of `Awgn`. The receiver knows both figures,
    and not which symbols were hit: LLRs are those of the mixture of the two normal distributions.
    With many carriers a row of n symbols is sent as n samples, over all of which an impulse is
    spread: of j hit ones each symbol of the row gets the noise ``1 + ratio j / n``.

    Source: M. Ghosh, Analysis of the effect of impulse noise on multicarrier and single carrier
    QAM systems, IEEE Trans. Commun. 44(2), 1996.
    """

    name = "impulse-noise"
    help = "clicks, beside the white noise; before awgn"

    probability: float = number("share of the symbols that is hit", low=0, high=1)
    ratio_db: float = number("power of an impulse over that of the background noise",
                             low=-20, high=60, unit="dB", default=20.0)  # fmt: skip

    def _start(self):
        self._samples = self._hit = 0

    def _effect(self, time):
        # Drawn here, for all packets alike: which of them get as far as the noise changes nothing.
        return partial(self._click, int(self._random.integers(2**63)))

    def _click(self, seed: int, signal: Signal) -> None:
        random = np.random.default_rng(seed)
        counts = random.binomial(signal.columns, self.probability, (signal.rows, 1))
        self._samples += counts.size * signal.columns
        self._hit += int(counts.sum())
        signal.add_impulses(self.probability, 10 ** (self.ratio_db / 10), counts)

    def _figures(self) -> dict[str, Any]:
        return {"samples": self._samples, "hit": self._hit}
