"""Signals in files: audio files, SigMF recordings and raw samples, read and written as streams."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from voicelink.link_sim.field.baseband import check_rate
from voicelink.link_sim.field.samples import ALIASES, SampleFormat
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.files import check_folder, check_no_terminal, writing

SOUND = (".wav", ".flac", ".w64")
"""Endings of audio files: mono is a passband signal, stereo I and Q."""

SIGMF = (".sigmf-meta", ".sigmf-data")
"""Endings of SigMF recordings; either stands for both files."""

RAW = tuple(f".{name}" for name in (*ALIASES, "cu8", "ci8"))
"""Endings of raw samples."""

PIECE_BYTES = 1 << 18
"""So much is read at a time at most."""

Note = Callable[[str], None]


@dataclass(frozen=True)
class Capture:
    """A stretch of a signal without gaps.

    Attributes:
        start: number of its first sample in the signal.
        count: of its samples; None: to the end.
        time: of its first sample, UTC; None where that is not known.
        frequency: Hz that the middle of the I/Q stands for; None where that is not known.
        skip: bytes of the file before its first sample that are none.
    """

    start: int = 0
    count: int | None = None
    time: datetime | None = None
    frequency: float | None = None
    skip: int = 0


class Signal(Protocol):
    """What `open_signal` gives.

    Attributes:
        rate: samples/s.
        real: whether it is a passband signal, and not I/Q.
        captures: its stretches, in order; to be read in this order.
        settings: how it was received before, of a recording: `mode`, `spread`, `offset`,
            `model`.
    """

    rate: float
    real: bool
    captures: list[Capture]
    settings: dict[str, Any]

    def read(self, capture: Capture) -> Iterator[np.ndarray]:
        """The samples of a stretch, float32 or complex64 (n,), piece by piece."""


@contextmanager
def open_signal(
    path: str, rate: float | None = None, form: str | None = None, note: Note = lambda _: None
) -> Iterator[Signal]:
    """Open a signal to be read, by the ending of its name; ``-`` is raw samples on standard input.

    Args:
        path: of an audio file, of either file of a SigMF recording, or of raw samples.
        rate: samples/s of raw samples.
        form: format of raw samples, where the ending does not name it.
        note: called with a line for what is odd about the file, and yet does no harm.

    Raises:
        FormatError: the file is missing, or not what its ending says.
        ParameterError: rate or format are missing, or given where the file has them.
    """
    ending = Path(path).suffix.lower()
    own = ending in (*SOUND, *SIGMF)
    raw = not own and (path == "-" or form is not None or ending in RAW)
    if own and (rate is not None or form is not None):
        raise ParameterError("--rate and --format are for raw samples: this file has its own")
    if ending in SIGMF:
        from voicelink.link_sim.field.recording import read_recording

        found = read_recording(path)
        end = found.data.stat().st_size - found.trailing
        with _opened(str(found.data)) as file:
            yield _Raw(file, found.data.name, found.format, found.rate, found.captures, note,
                       found.settings, end)  # fmt: skip
    elif ending in SOUND:
        with _sound(path) as signal:
            yield signal
    elif raw:
        if form is None and path == "-":
            raise ParameterError("--format must name the format of samples on standard input")
        if rate is None:
            raise ParameterError("--rate must give the samples/s of raw samples")
        check_rate(rate, "--rate")
        chosen = SampleFormat.of(form or ending[1:])
        with _opened(path) as file:
            yield _Raw(file, path, chosen, rate, [Capture()], note)
    else:
        known = ", ".join((*SOUND, SIGMF[0], ".cf32", ".cu8", ".cs8", ".cs16"))
        raise ParameterError(f"the name of a signal must end with one of {known}, not {path!r}")


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    from voicelink.link_sim.commands.streams import open_input

    with open_input(path) as file:
        yield file


@dataclass
class _Raw:
    """Samples in a file or a pipe, of one number format."""

    file: BinaryIO
    name: str
    format: SampleFormat
    rate: float
    captures: list[Capture]
    note: Note
    settings: dict[str, Any] = field(default_factory=dict)
    end: float = math.inf
    """Bytes of the file that are read: behind them are none of the signal."""

    @property
    def real(self) -> bool:
        return not self.format.complex

    def read(self, capture: Capture) -> Iterator[np.ndarray]:
        self._pass(capture.skip)
        size = self.format.bytes
        left = None if capture.count is None else capture.count * size
        # A pipe gives what it has: no more than some superframes are waited for.
        most = max(size, min(PIECE_BYTES, int(self.rate * size / 10) // size * size))
        read = getattr(self.file, "read1", self.file.read)
        held = b""
        while left is None or left > 0:
            data = self._next(most if left is None else min(most, left), read)
            if not data:
                break
            if left is not None:
                left -= len(data)
            data = held + data
            whole = len(data) // size * size
            held = data[whole:]
            if whole:
                yield self.format.decode(data[:whole])
        if held:
            self.note(f"{self.name}: its last {len(held)} bytes are no whole sample")
        if left:
            self.note(f"{self.name} is cut short: {left // size} samples are missing")

    def _next(self, most: int, read: Callable[[int], bytes]) -> bytes:
        data = read(min(most, self.end))
        self.end -= len(data)
        return data

    def _pass(self, count: int) -> None:
        while count and (passed := len(self._next(min(count, PIECE_BYTES), self.file.read))):
            count -= passed


@contextmanager
def _sound(path: str) -> Iterator[Signal]:
    import soundfile

    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        if not Path(path).is_file():
            raise FormatError(f"cannot read {path}: No such file or directory") from None
        reason = str(error).rsplit(": ", 1)[-1]
        raise FormatError(f"{path} is no audio file that can be read: {reason}") from None
    with file:
        if file.channels > 2:
            raise FormatError(
                f"{path} must be mono (a passband signal) or stereo (I and Q), and has"
                f" {file.channels} channels"
            )
        try:
            check_rate(file.samplerate)
        except ParameterError as error:
            raise FormatError(f"{path}: {error}") from None
        yield _Sound(path, file)


class _Sound:
    def __init__(self, name: str, file) -> None:
        self._name, self._file = name, file
        self.rate = float(file.samplerate)
        self.real = file.channels == 1
        self.captures = [Capture()]
        self.settings: dict[str, Any] = {}

    def read(self, capture: Capture) -> Iterator[np.ndarray]:
        import soundfile

        while True:
            try:
                samples = self._file.read(round(self.rate / 10), dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError) as error:
                raise FormatError(f"{self._name} is damaged: {error}") from None
            if not len(samples):
                return
            yield samples[:, 0] if self.real else np.ascontiguousarray(samples).view("c8")[:, 0]


def output_kind(path: str, form: str | None = None) -> tuple[bool | None, SampleFormat]:
    """What is written under a name: whether it is real, None for either, and the number format.

    Raises:
        ParameterError: the ending is none that can be written, or its folder does not exist.
    """
    ending = Path(path).suffix.lower()
    if path == "-":
        check_no_terminal(path)
    else:
        check_folder(path)
    if ending in SOUND:
        if form is not None:
            raise ParameterError("--format is for raw samples and SigMF: an audio file has its own")
        return None, SampleFormat.of("ri16_le")
    if ending in SIGMF and form is None:
        return False, SampleFormat.of("cf32_le")
    if path == "-" and form is None:
        raise ParameterError("--format must name the format of samples on standard output")
    if form is not None or ending in RAW:
        # Whatever the ending, but for audio files.
        chosen = SampleFormat.of(form or ending[1:])
        return not chosen.complex, chosen
    known = ", ".join((*SOUND, SIGMF[0], ".cf32", ".cu8", ".cs8", ".cs16"))
    raise ParameterError(f"the name of a signal must end with one of {known}, not {path!r}")


@contextmanager
def signal_writer(
    path: str, rate: float, real: bool, form: str | None = None, settings: dict | None = None
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a signal piece by piece; the file is there when the block has ended without an error.

    Args:
        path: its ending chooses the format, as `open_signal` reads it; ``-`` is standard output.
        rate: samples/s.
        real: a passband signal (mono); else I/Q (stereo).
        form: number format, where the ending does not tell it.
        settings: for SigMF: what a receiver needs to know.

    Yields:
        A function that takes float32 or complex64 (n,) of full scale +-1.

    Raises:
        ParameterError: the file cannot be written.
    """
    _, chosen = output_kind(path, form)
    ending = Path(path).suffix.lower()
    if path == "-":
        yield lambda samples: _to_stdout(chosen.encode(samples))
    elif ending in SIGMF:
        from voicelink.link_sim.field import recording

        recording.check_sigmf()
        chosen = SampleFormat.of(form or ("rf32_le" if real else "cf32_le"))
        data, meta = recording.file_names(path)
        found = recording.described(chosen, rate, settings or {})
        found["captures"].append(recording.capture_entry(0, None, None))
        with writing(meta) as part, writing(data) as samples_part:
            with open(samples_part, "wb") as file:
                yield lambda samples: file.write(chosen.encode(samples))
            part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    elif ending in SOUND:
        with writing(path) as part, _sound_file(path, part, rate, real) as file:
            yield lambda samples: file.write(
                samples if real else samples.view(np.float32).reshape(-1, 2)
            )
    else:
        with writing(path) as part, open(part, "wb") as file:
            yield lambda samples: file.write(chosen.encode(samples))


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextmanager
def _sound_file(path: str, part: Path, rate: float, real: bool):
    import soundfile

    if rate != int(rate):
        raise ParameterError(f"--rate of an audio file must be a whole number, not {rate:g}")
    try:
        with soundfile.SoundFile(part, "w", int(rate), 1 if real else 2, "PCM_16") as file:
            yield file
    except soundfile.SoundFileError as error:
        reason = str(error).rsplit(": ", 1)[-1]
        raise ParameterError(f"cannot write {path}: {reason}") from None
