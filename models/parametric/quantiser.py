"""Parameters of a superframe to 256 bits and back.

| bits | what |
|---|---|
| 0..4 | level: the loudest point's, 2.5 dB steps from -77.5 dB |
| 5..14 | voicing of the 16 points, one codebook |
| 15..31 | pitch of the 16 points, two stages of 9 and 8 bits |
| 32..255 | envelope: four blocks of 4 points (80 ms), each of seven stages of 8 bits |

Indexes are natural binary, high bit first. What is quantised of the envelope is its shape below the
level: log power with a soft floor, so that no bits go to what nobody hears. A block's 80 values go
through an orthogonal transform to the 48 that vary most; the codewords of its stages add up.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from voicelink.models.latents import ones
from voicelink.models.parametric.analysis import BANDS, CENTRES, POINTS, Parameters
from voicelink.models.parametric.pitch import LOWEST

LEVEL_BITS, LEVEL_STEP, LEVEL_LEAST = 5, 2.5, -77.5
VOICING_BITS = 10
PITCH_BITS = (9, 8)
BLOCKS, BLOCK = 4, POINTS // 4
"""Blocks in a superframe, and points in a block."""
STAGE_BITS = (8, 8, 8, 8, 8, 8, 8)
KEPT = 48
"""Values of a block that are quantised, of 80."""
PAYLOAD_BITS = LEVEL_BITS + VOICING_BITS + sum(PITCH_BITS) + BLOCKS * sum(STAGE_BITS)

FLOOR_DB = -40.0
"""Where a shape's soft floor is, below the level."""
TILT = np.maximum(0, 20 * np.log10(CENTRES / 500)).astype(np.float32)
"""dB by which the bands are raised before they are compared with the level: 6 an octave over
500 Hz, as speech falls off."""
SURVIVORS = 12
"""Best sums of codewords that the search takes from stage to stage."""
VOICED = 0.35
"""The voicing from which a point counts as voiced."""

_ENVELOPE = tuple(f"envelope{i}" for i in range(len(STAGE_BITS)))
_PITCH = tuple(f"pitch{i}" for i in range(len(PITCH_BITS)))


def shape_of(envelope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level's index (n,) and shape (n, 16, 20) in dB over the level, of envelopes (n, 16, 20)."""
    raised = envelope + TILT
    loudest = 10 * np.log10(np.mean(10 ** (raised / 10), axis=2).max(axis=1))
    index = np.round((loudest - LEVEL_LEAST) / LEVEL_STEP)
    index = np.clip(index, 0, (1 << LEVEL_BITS) - 1).astype(int)
    below = raised - level_of(index)[:, None, None]
    return index, 10 * np.log10(10 ** (below / 10) + 10 ** (FLOOR_DB / 10))


def level_of(index):
    """dB."""
    return LEVEL_LEAST + LEVEL_STEP * index


def envelope_of(level: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Envelopes (n, 16, 20) in dB, of levels (n,) and shapes (n, 16, 20)."""
    power = 10 ** (shape / 10) - 10 ** (FLOOR_DB / 10)
    least = 10 ** ((FLOOR_DB - 10) / 10)
    return 10 * np.log10(np.maximum(power, least)) + level[:, None, None] - TILT


@dataclass(frozen=True)
class Known:
    """What the bits of n superframes say, float32, as far as they are known.

    Values are expectations over what the bits may be. Reliabilities are 1 less the variance
    relative to that where all bits are open: 1 known, 0 not.

    Attributes:
        level: dB, (n,).
        shape: dB over the level, (n, 16, 20); `envelope_of` joins both.
        pitch: octaves over 60 Hz, (n, 16).
        voicing: 0 unvoiced .. 1, (n, 16).
        level_reliability, shape_reliability, pitch_reliability, voicing_reliability: of the same
            shapes.
    """

    level: np.ndarray
    shape: np.ndarray
    pitch: np.ndarray
    voicing: np.ndarray
    level_reliability: np.ndarray
    shape_reliability: np.ndarray
    pitch_reliability: np.ndarray
    voicing_reliability: np.ndarray


class Quantiser:
    """The codebooks, and how parameters and bits map.

    Args:
        tables: float arrays: ``mean`` (80,) and ``basis`` (80, 48) of a block's transform,
            ``envelope0`` .. ``envelope6`` (256, 48), ``pitch0`` (512, 16), ``pitch1`` (256, 16) in
            octaves, ``voicing`` (1024, 16).
    """

    def __init__(self, tables: dict[str, np.ndarray]) -> None:
        self.tables = {name: np.asarray(t, np.float32) for name, t in tables.items()}
        self._mean, self._basis = self.tables["mean"], self.tables["basis"]
        levels = level_of(np.arange(1 << LEVEL_BITS, dtype=np.float32))[:, None]
        stages = [self.tables[name] for name in _ENVELOPE]
        self._parts = [levels, self.tables["voicing"], *(self.tables[n] for n in _PITCH)]
        self._parts += BLOCKS * stages
        # Variances where nothing is known: of a table's rows, all of them as likely.
        level, voicing, *pitch = (t.var(axis=0) for t in self._parts[: 2 + len(_PITCH)])
        self._unknown = {"level": level, "voicing": voicing, "pitch": sum(pitch)}
        self._unknown["shape"] = sum(t.var(axis=0) for t in stages) @ self._basis.T**2

    @classmethod
    def read(cls, content: bytes) -> Quantiser:
        """Of the file ``codebooks.npz``."""
        with np.load(io.BytesIO(content)) as file:
            return cls(dict(file))

    def encode(self, parameters: Parameters) -> bytes:
        """32 bytes for each superframe."""
        level, shape = shape_of(parameters.envelope)
        count = len(level)
        voicing = parameters.voicing
        indexes = [level[:, None], _nearest(voicing, self.tables["voicing"])[:, None]]
        octaves = np.log2(np.maximum(parameters.pitch, LOWEST) / LOWEST)
        indexes.append(search(octaves, [self.tables[n] for n in _PITCH], voicing**2 + 1e-4))
        blocks = shape.reshape(count * BLOCKS, -1) - self._mean
        stages = [self.tables[name] for name in _ENVELOPE]
        indexes.append(search(blocks @ self._basis, stages).reshape(count, -1))
        return _packed(np.concatenate(indexes, axis=1))

    def decode(self, llrs: np.ndarray) -> Known:
        """What LLRs (n, 256) say: log(P(0) / P(1)) of each bit."""
        one = ones(llrs)
        moments, at = [], 0
        for table, width in zip(self._parts, _WIDTHS, strict=True):
            moments.append(_moments(one[:, at : at + width], table))
            at += width
        means, variances = zip(*moments, strict=True)
        count = len(one)
        first = 2 + len(_PITCH)

        def joined(parts: tuple[np.ndarray, ...]) -> np.ndarray:
            stages = np.stack(parts[first:]).reshape(BLOCKS, len(_ENVELOPE), count, -1)
            return stages.sum(axis=1).transpose(1, 0, 2)

        shape = joined(means) @ self._basis.T + self._mean
        spread = joined(variances) @ self._basis.T**2 / self._unknown["shape"]
        reliability = {
            "level": (1 - variances[0] / self._unknown["level"])[:, 0],
            "voicing": 1 - variances[1] / self._unknown["voicing"],
            "pitch": 1 - sum(variances[2:first]) / self._unknown["pitch"],
            "shape": (1 - spread).reshape(count, POINTS, BANDS),
        }
        values = {
            "level": means[0][:, 0],
            "voicing": means[1],
            "pitch": sum(means[2:first]),
            "shape": shape.reshape(count, POINTS, BANDS),
        }
        return Known(
            **{name: value.astype(np.float32) for name, value in values.items()},
            **{
                f"{name}_reliability": np.clip(value, 0, 1).astype(np.float32)
                for name, value in reliability.items()
            },
        )


_WIDTHS = (LEVEL_BITS, VOICING_BITS, *PITCH_BITS, *BLOCKS * STAGE_BITS)


def _packed(indexes: np.ndarray) -> bytes:
    """Indexes (n, fields) as bits, high bit first."""
    bits = [
        (indexes[:, i, None] >> np.arange(width - 1, -1, -1)) & 1 for i, width in enumerate(_WIDTHS)
    ]
    return np.packbits(np.concatenate(bits, axis=1).astype(np.uint8), axis=1).tobytes()


def _nearest(x: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The nearest row (n,) to each x (n, values)."""
    return np.argmax(x @ table.T - 0.5 * np.sum(table**2, axis=1), axis=1)


def search(
    x: np.ndarray,
    stages: list[np.ndarray],
    weights: np.ndarray | None = None,
    survivors: int = SURVIVORS,
) -> np.ndarray:
    """Indexes (n, stages) of the sums of rows nearest to x (n, values), of which so many are
    followed from stage to stage; errors count by ``weights`` (n, values)."""
    count = len(x)
    weights = np.ones_like(x[:1]) if weights is None else weights
    # What all rows of an item have in common is left out of the cost.
    rest = x[:, None].astype(np.float32)
    cost = np.zeros((count, 1), np.float32)
    chosen = np.zeros((count, 1, 0), int)
    items = np.arange(count)[:, None]
    for table in stages:
        squares = (weights @ (table**2).T)[:, None]
        ways = cost[..., None] + squares - 2 * ((weights[:, None] * rest) @ table.T)
        ways = ways.reshape(count, -1)
        kept = min(survivors, ways.shape[1])
        best = np.argpartition(ways, kept - 1, axis=1)[:, :kept]
        parent, row = best // len(table), best % len(table)
        rest = rest[items, parent] - table[row]
        cost = np.take_along_axis(ways, best, axis=1)
        chosen = np.concatenate([chosen[items, parent], row[..., None]], axis=2)
    return chosen[np.arange(count), cost.argmin(axis=1)]


def _moments(one: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, (n, values) each, of a table's rows under the bits' probabilities."""
    odds = np.ones((len(one), 1), np.float32)
    for p in one.T.astype(np.float32):
        odds = (odds[:, :, None] * np.stack([1 - p, p], axis=1)[:, None]).reshape(len(one), -1)
    mean = odds @ table
    return mean, np.maximum(odds @ table**2 - mean**2, 0)
