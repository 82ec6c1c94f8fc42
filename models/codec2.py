"""Codec 2's mode 700C by Debian's libcodec2 (D. Rowe, LGPL-2.1): its bits, and what they say.

A frame of 40 ms has 28 bits, high bits first: two stages of a vector quantiser of the spectral
envelope (9 and 9), its mean (4), pitch and voicing (6); natural binary. The envelope is that of the
10 ms around the frame's middle: 20 levels in dB, evenly spaced in mel from 200 to 3700 Hz. The
codebooks are read from the library. Frames are packed without the padding of ``c2enc``: a payload
of 8 frames has 28 bytes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools

import numpy as np

from voicelink.models.errors import ModelError, one_line
from voicelink.models.latents import ones
from voicelink.models.sizes import FRAME_SAMPLES, FRAMES

MODE = 8
"""The library's number of 700C."""
BITS = 28
"""Bits in a frame."""
PAYLOAD_BITS = FRAMES * BITS
BANDS = 20
FEATURES = BANDS + 3
"""Values of a frame: envelope, mean, pitch, voicing."""

_STAGES = ((0, 9), (9, 18))
_MEAN = (18, 22)
_PITCH = (22, 28)
_UNVOICED = 0  # the index of a pitch that says so
# Hz, and how far 64 indexes reach, evenly in log: periods of 160 samples to 20.
_LOWEST, _OCTAVES = 50.0, 3.0
TONE = np.zeros((2, FEATURES + 1))
"""Pitch, in octaves over 55 Hz, and voicing, a logit, of a frame's values and 1."""
TONE[0, [BANDS + 1, -1]] = _OCTAVES / 2, np.log2(_LOWEST / 55) + _OCTAVES / 2
TONE[1, BANDS + 2] = 1.5

_ENVELOPE_DB = 20.0
_MEAN_DB = (28.75, 18.75)  # the middle of the codebook, and from there to its ends


def absent() -> str | None:
    """What to install, in words, where the library is not here; None where it is."""
    if ctypes.util.find_library("codec2") is None:
        return "the library libcodec2: apt install libcodec2-1.0"
    return None


def check() -> None:
    """Open the library and read its codebooks: before the first superframe is due.

    Raises:
        ModelError: it is missing, or is not as 700C needs it.
    """
    _unknown()


class Encoder:
    """The library's encoder, stepped by frames.

    Raises:
        ModelError: the library is missing, or is not as 700C needs it.
    """

    def __init__(self) -> None:
        self._open = None
        self.reset()

    def reset(self) -> None:
        self.close()
        self._open = _library().codec2_create(MODE)
        if not self._open:
            raise ModelError("libcodec2 was built without its mode 700C")

    def encode(self, audio: np.ndarray) -> bytes:
        """Payloads of whole superframes: float32 (2560 n,) within +-1 to 28 n bytes."""
        samples = np.clip(np.round(audio * 32768), -32768, 32767).astype(np.int16)
        frames = samples.reshape(-1, FRAME_SAMPLES)
        packed = np.zeros((len(frames), 4), np.uint8)
        for frame, out in zip(frames, packed, strict=True):
            _library().codec2_encode(self._open, out.ctypes.data, frame.ctypes.data)
        bits = np.unpackbits(packed, axis=1)[:, :BITS]
        return np.packbits(bits).tobytes()

    def close(self) -> None:
        if self._open:
            _library().codec2_destroy(self._open)
            self._open = None

    def __del__(self) -> None:
        self.close()


def features(llrs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the bits of payloads say, as far as they are known.

    Args:
        llrs: float (n, 224), log(P(0) / P(1)) of each bit; 0 where nothing is known.

    Returns:
        (values, reliabilities), float32 (8 n, 23) each. Values are expectations over what the bits
        may be, about within +-1: envelope over 20 dB, mean, pitch in octaves (-1 is 50 Hz, 1 is
        400 Hz; 0 unvoiced), voicing (-1 no, 1 yes). A reliability is 1 less the variance relative
        to that of a frame of which nothing is known: 1 known, 0 not.
    """
    one = ones(llrs).reshape(-1, BITS)
    parts = [
        _moments(one[:, slice(*place)], table)
        for place, table in zip((*_STAGES, _MEAN, _PITCH), _tables(), strict=True)
    ]
    (first, variance), (second, more) = parts[:2]
    means = [first + second, *(mean for mean, _ in parts[2:])]
    variances = [variance + more, *(v for _, v in parts[2:])]
    reliability = 1 - np.concatenate(variances, axis=1) / _unknown()
    values = np.concatenate(means, axis=1)
    return values.astype(np.float32), np.clip(reliability, 0, 1).astype(np.float32)


def _moments(one: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, (frames, values) each, of a table's rows under bits' probabilities."""
    odds = np.ones((len(one), 1))
    for p in one.T:
        odds = (odds[:, :, None] * np.stack([1 - p, p], axis=1)[:, None]).reshape(len(one), -1)
    mean = odds @ table
    return mean, np.maximum(odds @ table**2 - mean**2, 0)


@functools.cache
def _tables() -> tuple[np.ndarray, ...]:
    """What each index says: (512, 20) twice, (16, 1) and (64, 2)."""
    library = _library()
    try:
        stages = (_Codebook * 2).in_dll(library, "newamp1vq_cb")
        means = _Codebook.in_dll(library, "newamp1_energy_cb")
    except ValueError as error:
        raise _unusable(error) from None
    middle, reach = _MEAN_DB
    index = np.arange(1 << _PITCH[1] - _PITCH[0])
    voiced = index != _UNVOICED
    octaves = index * (2 / len(index)) - 1
    return (
        *(stage.rows(512, BANDS) / _ENVELOPE_DB for stage in stages),
        (means.rows(16, 1) - middle) / reach,
        np.stack([np.where(voiced, octaves, 0), np.where(voiced, 1, -1)], axis=1),
    )


@functools.cache
def _unknown() -> np.ndarray:
    """The variance (23,) of each value where all bits are open."""
    first, second, *others = (table.var(axis=0) for table in _tables())
    return np.concatenate([first + second, *others])


class _Codebook(ctypes.Structure):
    """The library's ``struct lsp_codebook``."""

    _fields_ = [
        ("k", ctypes.c_int),
        ("log2m", ctypes.c_int),
        ("m", ctypes.c_int),
        ("cb", ctypes.POINTER(ctypes.c_float)),
    ]

    def rows(self, entries: int, values: int) -> np.ndarray:
        if (self.m, self.k) != (entries, values):
            raise ModelError(
                f"this libcodec2 has a codebook of {self.m} times {self.k} values,"
                f" where 700C has {entries} times {values}"
            )
        return np.ctypeslib.as_array(self.cb, (entries * values,)).reshape(entries, values).copy()


@functools.cache
def _library() -> ctypes.CDLL:
    if absent():
        raise ModelError(f"Codec 2 needs {absent()}")
    try:
        library = ctypes.CDLL(ctypes.util.find_library("codec2"))
        library.codec2_create.restype = ctypes.c_void_p
        library.codec2_destroy.argtypes = [ctypes.c_void_p]
        library.codec2_encode.argtypes = [ctypes.c_void_p] * 3
        library.codec2_encode.restype = library.codec2_destroy.restype = None
    except (OSError, AttributeError) as error:
        raise _unusable(error) from None
    return library


def _unusable(error: Exception) -> ModelError:
    return ModelError(
        f"the library libcodec2 on this machine cannot be used ({one_line(error)}); that of"
        " Debian can: apt install libcodec2-1.0"
    )
