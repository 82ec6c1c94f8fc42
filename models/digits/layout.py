"""The bits of a block: 128 latents and two extrema in three payloads of 256 bits.

A payload begins with two bits that say which of the block's it is, so that a late listener finds
the block's beginning; 3 says nothing. An extremum is 8 bits in steps of half a dB, sent twice in
two different payloads: it survives the loss of either. The other 730 bits are the latents'. A
latent's bits go into one payload as far as they fit, so that a lost payload loses a third of the
latents and leaves the others whole; the coarse ones and the fine ones are dealt out alike.
"""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from statistics import NormalDist

import numpy as np

from voicelink.models.digits.sizes import DATA_BITS, INDEX_BITS, LATENTS, PARTS
from voicelink.models.digits.spectrogram import HIGHEST, LOWEST
from voicelink.models.latents import ones
from voicelink.models.sizes import PAYLOAD_BITS

EXTREMUM_BITS = 8
EXTREMUM_STEP = (HIGHEST - LOWEST) / (2**EXTREMUM_BITS - 1)
EXTREMA = ((0, 1), (1, 2))
"""In which two payloads the lower and the upper extremum are, behind the index."""

MOST_BITS = 8
"""Of a latent."""

LATENT_BITS = PARTS * DATA_BITS - EXTREMUM_BITS * sum(map(len, EXTREMA))

UNSURE = 3.0
"""dB of standard deviation beyond which a received extremum is not trusted."""

_WEIGHTS = 1 << np.arange(MOST_BITS)[::-1]


def share_out(variance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Bits for each latent, int (128,), 730 together.

    Reverse water-filling (Cover & Thomas, "Elements of Information Theory", 10.3.3): bit by bit to
    the latent whose quantising error is the largest beside its own posterior's noise, which is
    what the decoder has learnt to bear.

    Args:
        variance: of the posteriors' means over the training speech, (128,).
        noise: the mean of the posteriors' variances, (128,).
    """
    error = np.asarray(variance / noise, np.float64).copy()
    bits = np.zeros(len(error), int)
    for _ in range(LATENT_BITS):
        best = int(np.argmax(np.where(bits < MOST_BITS, error, -1)))
        bits[best] += 1
        error[best] /= 4
    return bits


class Layout:
    """Where bits are, and which values they stand for.

    A latent's levels are those of a compander: its cumulative Gaussian with sqrt(3) times the
    latent's deviation is cut evenly, which is the least error for many levels (Panter & Dite,
    Proc. IRE 39(1), 1951).

    Args:
        bits: of each latent, int (128,).
        mean: of each latent over the training speech, (128,).
        deviation: its standard deviation, (128,).
    """

    def __init__(self, bits: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
        self.bits = np.asarray(bits, int)
        self.mean = np.asarray(mean, np.float32)
        self.deviation = np.asarray(deviation, np.float32)

    @classmethod
    def read(cls, content: bytes) -> Layout:
        """The layout in a model's ``latents.npz``."""
        with np.load(BytesIO(content)) as table:
            return cls(table["bits"], table["mean"], table["deviation"])

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(payload and bit of it, as one number; latent; bit of the latent, 0 the highest), of
        each of the latents' bits: int (730,) each."""
        free = [
            list(range(part * PAYLOAD_BITS + self._begin(part), (part + 1) * PAYLOAD_BITS))
            for part in range(PARTS)
        ]
        place, latent, bit = [], [], []
        for each in np.argsort(-self.bits, kind="stable"):
            for position in range(self.bits[each]):
                if position == 0:
                    part = max(range(PARTS), key=lambda p: len(free[p]))
                if not free[part]:
                    part = max(range(PARTS), key=lambda p: len(free[p]))
                place.append(free[part].pop(0))
                latent.append(int(each))
                bit.append(position)
        return np.array(place), np.array(latent), np.array(bit)

    @staticmethod
    def _begin(part: int) -> int:
        """The first bit of a payload that is a latent's."""
        return INDEX_BITS + EXTREMUM_BITS * sum(part in parts for parts in EXTREMA)

    @cached_property
    def values(self) -> np.ndarray:
        """What each level of each latent stands for: float32 (128, 256); the first ``2**bits`` of
        a latent are its levels."""
        normal = NormalDist()
        units = {
            bits: [normal.inv_cdf((i + 0.5) / 2**bits) for i in range(2**bits)]
            for bits in range(MOST_BITS + 1)
        }
        values = np.zeros((LATENTS, 2**MOST_BITS), np.float32)
        for each, bits in enumerate(self.bits):
            values[each, : 2**bits] = units[bits]
        return self.mean[:, None] + np.sqrt(3) * self.deviation[:, None] * values

    def levels(self, latents: np.ndarray) -> np.ndarray:
        """The nearest levels, int (128,), of latents (128,)."""
        away = np.abs(self.values - latents[:, None])
        away[np.arange(2**MOST_BITS) >= (1 << self.bits)[:, None]] = np.inf
        return away.argmin(axis=1)

    def pack(self, latents: np.ndarray, bottom: float, top: float) -> list[bytes]:
        """The three payloads, of 32 bytes each, of a block."""
        block = np.zeros((PARTS, PAYLOAD_BITS), np.uint8)
        block[:, :INDEX_BITS] = [[part >> 1, part & 1] for part in range(PARTS)]
        for where, number in self._extrema((bottom, top)):
            block[where] = number
        place, latent, bit = self.places
        levels = self.levels(latents)
        block.reshape(-1)[place] = levels[latent] >> (self.bits[latent] - 1 - bit) & 1
        return [np.packbits(payload).tobytes() for payload in block]

    @staticmethod
    def _extrema(extrema: tuple[float, float]) -> list[tuple[tuple[int, slice], np.ndarray]]:
        """(where, bits) of both copies of both extrema."""
        found, begin = [], [INDEX_BITS] * PARTS
        for value, parts in zip(extrema, EXTREMA, strict=True):
            level = int(np.clip(round((value - LOWEST) / EXTREMUM_STEP), 0, 255))
            for part in parts:
                where = (part, slice(begin[part], begin[part] + EXTREMUM_BITS))
                found.append((where, level >> np.arange(EXTREMUM_BITS)[::-1] & 1))
                begin[part] += EXTREMUM_BITS
        return found

    def latents(self, llrs: np.ndarray) -> np.ndarray:
        """Expectations, float32 (128,), of the latents of a block (3, 256) of LLRs; of a latent of
        which nothing is known, its mean."""
        place, latent, bit = self.places
        one = np.full((LATENTS, MOST_BITS), 0.5)
        # The lowest bits of all latents stand in one column: levels are plain numbers.
        column = MOST_BITS - self.bits[latent] + bit
        one[latent, column] = ones(llrs.reshape(-1)[place])
        numbers = np.arange(2**MOST_BITS)[:, None] // _WEIGHTS % 2
        unused = np.arange(MOST_BITS) < (MOST_BITS - self.bits)[:, None]
        one[unused] = 0
        odds = np.where(numbers, one[:, None], 1 - one[:, None]).prod(axis=2)
        return (odds * self.values).sum(axis=1).astype(np.float32)

    def extrema(self, llrs: np.ndarray) -> list[tuple[float, float]]:
        """Expectation and standard deviation, dB, of the lower and the upper extremum."""
        both = [where for where, _ in self._extrema((0, 0))]
        found = []
        for copies in (both[:2], both[2:]):
            one = ones(sum(llrs[where] for where in copies))
            mean = LOWEST + EXTREMUM_STEP * float(one @ _WEIGHTS)
            variance = float((one * (1 - one)) @ _WEIGHTS**2)
            found.append((mean, EXTREMUM_STEP * variance**0.5))
        return found
