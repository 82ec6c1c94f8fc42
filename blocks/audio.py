"""Audio files in and out, through soundfile and soxr."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.files import check_folder, check_no_terminal, writing
from voicelink.models.sizes import SAMPLE_RATE

LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
"""Sample rates in Hz that a recording may have: beyond, a header is damaged."""

Note = Callable[[str], None]

_WRITTEN = ("aiff", "au", "caf", "flac", "mp3", "ogg", "w64", "wav")
"""Endings of files that can be written: one file each, that says what it holds."""


def _silent(_: str) -> None:
    """The default for ``note``: nothing is said."""


def read_audio(path: str | Path, note: Note = _silent) -> np.ndarray:
    """A recording as the codec takes it: float32 (n,), mono, 8 kHz, within +-1.

    Channels are averaged, any sample rate is converted, samples beyond +-1 are clipped; each of
    these is said through ``note``.

    Args:
        path: a file that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF...), or ``-`` for standard
            input.
        note: called with one line for each thing that was converted.

    Raises:
        FormatError: the file is missing, empty, cut short or no audio, or holds samples that are
            not finite numbers.
    """
    import soundfile

    name = "standard input" if str(path) == "-" else str(path)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"cannot read {name}: {error.strerror}") from None
    if not content:
        raise FormatError(f"{name} is empty; an audio file (WAV, FLAC, Ogg...) is wanted")
    missing = _missing_bytes(content)
    if missing:
        raise FormatError(f"{name} is cut short: {missing} bytes of its audio are missing")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate, wanted = file.samplerate, file.frames
            audio = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).rsplit(": ", 1)[-1]
        raise FormatError(f"{name} is no audio file that can be read: {reason}") from None
    # Formats of unknown length (a pipe's WAV) state a number of frames that is far beyond.
    if len(audio) < wanted < 1 << 40:
        raise FormatError(f"{name} is cut short: {len(audio)} of {wanted} frames are there")
    if not len(audio):
        raise FormatError(f"{name} holds no samples")
    bad = int(np.count_nonzero(~np.isfinite(audio)))
    if bad:
        raise FormatError(f"{name} holds {bad} samples that are NaN or infinite; none may be")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise FormatError(
            f"{name} has a sample rate of {rate} Hz; it must be from {LOWEST_RATE} to"
            f" {HIGHEST_RATE} Hz"
        )
    if audio.shape[1] > 1:
        note(f"{name}: {audio.shape[1]} channels averaged to one")
    return to_codec_rate(audio.mean(axis=1), rate, name, note)


def to_codec_rate(
    audio: np.ndarray, rate: int, name: str = "audio", note: Note = _silent
) -> np.ndarray:
    """Finite mono samples at any rate, as float32 at 8 kHz within +-1."""
    import soxr

    if rate != SAMPLE_RATE:
        note(f"{name}: converted from {rate} Hz to {SAMPLE_RATE} Hz")
        audio = soxr.resample(audio, rate, SAMPLE_RATE, quality="HQ")
    beyond = int(np.count_nonzero(np.abs(audio) > 1.001))
    if beyond:
        note(f"{name}: {beyond} samples beyond +-1 clipped")
    return np.clip(audio, -1, 1).astype(np.float32)


def _missing_bytes(content: bytes) -> int:
    """How many bytes a WAV's data chunk promises beyond the end of the file.

    libsndfile reads what is there and says nothing. 0 for what is no WAV, or one that was written
    to a pipe, whose length is unknown (0 or 0xFFFFFFFF, or SoX's 0x7FFFFFFF and near).
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0
    at = 12
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        if kind == b"data":
            return 0 if size >= 0x7FFFF000 else max(0, at + 8 + size - len(content))
        at += 8 + size + size % 2
    return 0


@contextmanager
def audio_writer(path: str | Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Write 8 kHz mono audio piece by piece, in the format that the name ends with.

    The file is there when the block has ended without an error, and holds 16-bit samples.

    Args:
        path: a name that ends with .wav, .flac, .ogg...; ``-`` is a WAV on standard output, which
            goes out at the end.

    Yields:
        A function that takes float (n,) within +-1.

    Raises:
        ParameterError: the ending is unknown, or the file cannot be written.
    """
    import soundfile

    check_audio_name(path)
    if str(path) == "-":
        buffer = io.BytesIO()
        with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, 1, "PCM_16", format="WAV") as file:
            yield file.write
        sys.stdout.buffer.write(buffer.getvalue())
        sys.stdout.buffer.flush()
        return
    with writing(path) as part:
        try:
            with soundfile.SoundFile(part, "w", SAMPLE_RATE, 1) as file:
                yield file.write
        except soundfile.SoundFileError as error:
            reason = str(error).rsplit(": ", 1)[-1]
            raise ParameterError(f"cannot write {path}: {reason}") from None


def write_audio(path: str | Path, audio: np.ndarray) -> None:
    """Write 8 kHz mono audio, float (n,) within +-1, in one go; see `audio_writer`."""
    with audio_writer(path) as write:
        write(audio)


def check_audio_name(path: str | Path) -> None:
    """Raise `ParameterError` where no audio can be written under this name: before the work."""
    import soundfile

    if str(path) == "-":
        check_no_terminal(path)
        return
    if not names_audio(path) or _ending(path).upper() not in soundfile.available_formats():
        raise ParameterError(
            f"the name of an audio file must end with .wav, .flac or .ogg, not {str(path)!r}"
        )
    check_folder(path)


def names_audio(path: str | Path) -> bool:
    """Whether a name ends as an audio file's does: .wav, .flac, .ogg..."""
    return _ending(path) in _WRITTEN


def _ending(path: str | Path) -> str:
    return Path(path).suffix.lstrip(".").lower()


def write_samples(file: BinaryIO, audio: np.ndarray) -> None:
    """Raw samples to an open file: 16 bits, little endian."""
    file.write(np.round(np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    file.flush()


def read_samples(file: BinaryIO, count: int) -> np.ndarray:
    """Up to ``count`` raw samples from an open file (16 bits, little endian); none at its end."""
    content = file.read(2 * count)
    return np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32) / 32768
