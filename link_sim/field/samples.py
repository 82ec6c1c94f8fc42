"""Samples as bytes: the number formats of SDR hardware and of SigMF."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from voicelink.models.errors import ParameterError

LARGEST = 1e6
"""Samples are cut to this: beyond it a filter's sums lose all that stands beside them."""

_NAME = re.compile(r"([cr])(f32|f64|i8|i16|i32|u8|u16|u32)(?:_([lb])e)?")

ALIASES = {
    "cf32": "cf32_le", "fc32": "cf32_le", "cs16": "ci16_le", "sc16": "ci16_le", "ci16": "ci16_le",
    "cs8": "ci8", "sc8": "ci8", "f32": "rf32_le", "s16": "ri16_le",
}  # fmt: skip
"""Other programs' names of some, which are the endings of raw files too."""


@dataclass(frozen=True)
class SampleFormat:
    """One number format, by SigMF's name (core:datatype).

    Attributes:
        name: as in SigMF, such as ``cf32_le``, ``ci16_le``, ``cu8``.
        complex: whether a sample is I and Q; a real one is a passband signal.
        component: numpy's type of a number.
        bytes: of one sample.

    >>> SampleFormat.of("cu8").decode(bytes([128, 128, 255, 0])).tolist()
    [0j, (0.9921875-1j)]
    """

    name: str
    complex: bool
    component: np.dtype
    bytes: int

    @classmethod
    def of(cls, name: str) -> SampleFormat:
        """The format of that name.

        Raises:
            ParameterError: there is none.
        """
        found = _NAME.fullmatch(ALIASES.get(name, name))
        if not found or (found[2][1:] == "8") != (found[3] is None):
            raise ParameterError(
                f"a sample format must be one such as cf32, cs16, cu8, cs8, s16 or f32, or"
                f" SigMF's cf32_le, ci16_le, cu8, ci8, ri16_le, not {name!r:.40}"
            )
        kind, number, order = found.groups()
        component = np.dtype((">" if order == "b" else "<") + number[0] + str(int(number[1:]) // 8))
        each = component.itemsize * (2 if kind == "c" else 1)
        return cls(found[0], kind == "c", component, each)

    @property
    def _full(self) -> float:
        """The number that stands for 1."""
        return 1.0 if self.component.kind == "f" else 2.0 ** (8 * self.component.itemsize - 1)

    def decode(self, data: bytes) -> np.ndarray:
        """Samples of whole bytes: complex64 or float32 (n,), of full scale +-1, all finite.

        What is NaN or infinite becomes 0.
        """
        numbers = np.frombuffer(data, self.component).astype(np.float32)
        if self.component.kind == "u":
            numbers -= np.float32(self._full)
        if self.component.kind == "f":
            numbers = finite(numbers)
        else:
            numbers *= np.float32(1 / self._full)
        return numbers.view(np.complex64) if self.complex else numbers

    def encode(self, samples: np.ndarray) -> bytes:
        """Samples (n,) of full scale +-1 as bytes; what is beyond is cut."""
        samples = np.ascontiguousarray(samples, np.complex64 if self.complex else np.float32)
        numbers = samples.view(np.float32)
        if self.component.kind == "f":
            return numbers.astype(self.component).tobytes()
        low = 0.0 if self.component.kind == "u" else -self._full
        numbers = np.round(numbers.astype(np.float64) * self._full)
        if self.component.kind == "u":
            numbers += self._full
        return np.clip(numbers, low, low + 2 * self._full - 1).astype(self.component).tobytes()


def finite(numbers: np.ndarray) -> np.ndarray:
    """Float32 numbers with 0 for what is NaN or infinite, within +-`LARGEST`."""
    clean = np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(clean, -LARGEST, LARGEST)
