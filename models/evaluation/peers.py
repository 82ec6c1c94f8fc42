"""The codecs to compare: our released models, and those of other people that this machine has.

The others are run as their own command-line programs, 16-bit samples through pipes. A new one is
one more `CommandCodec` in `codecs`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from voicelink.models.card import card, variants
from voicelink.models.engines import absent, engine
from voicelink.models.errors import VoiceLinkError
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS


class Coded(NamedTuple):
    """A recording after encoder and decoder.

    Attributes:
        audio: float32 (m,), 8 kHz.
        bits: how many the encoder spent, without the file format around them.
        frames: how many frames it spent them on.
    """

    audio: np.ndarray
    bits: int
    frames: int


class Codec(ABC):
    """A codec under test.

    Attributes:
        name: as ``--codecs`` takes it.
        bit_rate: nominal, bits per second.
        frame_ms: what the encoder collects before it can send.
        removed_ms: delay beside the frame that `code` takes off itself, so that no lag is seen.
        children: whether other processes do the work, so that their CPU time counts.
    """

    name: str
    bit_rate: int
    frame_ms: float
    removed_ms: float = 0.0
    children: bool = False

    @abstractmethod
    def absent(self) -> str | None:
        """What to install, in words, where the codec is not here; None where it is."""

    @abstractmethod
    def code(self, audio: np.ndarray) -> Coded:
        """Encode and decode a whole recording.

        Args:
            audio: float32 (n,), 8 kHz, +-1.

        Raises:
            VoiceLinkError: one of its programs failed.
        """


@dataclass(frozen=True)
class Original(Codec):
    """No codec at all: what a measure gives to the recording itself."""

    name: str = "original"
    bit_rate: int = 16 * SAMPLE_RATE
    frame_ms: float = 0.0

    def absent(self) -> None:
        return None

    def code(self, audio: np.ndarray) -> Coded:
        return Coded(audio, 16 * len(audio), len(audio))


@dataclass(frozen=True)
class Model(Codec):
    """A released model of this project, or one in a folder.

    One that sends the speaker's voice apart is heard as a listener hears it who has not met the
    speaker before: neutral, until the voice has been taken from the speech and sent.
    """

    name: str
    frame_ms: float = 1000 * SUPERFRAME_SECONDS

    @property
    def bit_rate(self) -> int:
        return round(card(self.name).bit_rate)

    @property
    def removed_ms(self) -> float:  # the codec knows its delay and takes it off
        found = card(self.name)
        lag = engine(found).Encoder.lag * SUPERFRAME_SECONDS
        return 1000 * (found.delay / SAMPLE_RATE + lag)

    def absent(self) -> str | None:
        missing = absent(card(self.name))
        return f"{self.name} needs {missing}" if missing else None

    def code(self, audio: np.ndarray) -> Coded:
        from voicelink.models.codec import coded

        decoded, payloads, voice = coded(audio, self.name)
        frames = len(payloads) // card(self.name).payload_bytes
        return Coded(decoded, 8 * (len(payloads) + len(voice)), frames)


@dataclass(frozen=True)
class CommandCodec(Codec):
    """A codec of two programs that read and write pipes: 16-bit samples, and the coded speech.

    Attributes:
        encode: the encoder's command.
        decode: the decoder's command.
        package: the Debian package that has them.
        count: (bits, frames) of the coded bytes.
        sox_format: the format that sox must have been built with, where sox is the program.
    """

    name: str
    bit_rate: int
    frame_ms: float
    encode: tuple[str, ...]
    decode: tuple[str, ...]
    package: str
    count: Callable[[bytes], tuple[int, int]]
    removed_ms: float = 0.0
    sox_format: str | None = None
    children: bool = True

    def absent(self) -> str | None:
        programs = dict.fromkeys((self.encode[0], self.decode[0]))
        missing = [program for program in programs if shutil.which(program) is None]
        if not missing and self.sox_format and self.sox_format not in _sox_formats():
            missing = [f"sox with the format {self.sox_format}"]
        if not missing:
            return None
        return f"{self.name} needs {' and '.join(missing)}: apt install {self.package}"

    def code(self, audio: np.ndarray) -> Coded:
        coded = self.encoded(audio)
        return Coded(self.decoded(coded), *self.count(coded))

    def encoded(self, audio: np.ndarray) -> bytes:
        """What the encoder writes for a recording, float (n,) within +-1."""
        samples = np.clip(np.round(np.asarray(audio) * 32768), -32768, 32767).astype("<i2")
        return self._run(self.encode, samples.tobytes())

    def decoded(self, coded: bytes) -> np.ndarray:
        """The audio, float32 (m,), that the decoder makes of what an encoder wrote."""
        audio = self._run(self.decode, coded)
        return np.frombuffer(audio[: len(audio) // 2 * 2], "<i2").astype(np.float32) / 32768

    def _run(self, command: tuple[str, ...], data: bytes) -> bytes:
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else f"status {done.returncode}"
            raise VoiceLinkError(f"{self.name}: {command[0]} failed: {reason}")
        return done.stdout


@lru_cache(maxsize=1)
def _sox_formats() -> frozenset[str]:
    text = subprocess.run(("sox", "--help"), capture_output=True, text=True, check=False).stdout
    line = re.search(r"^AUDIO FILE FORMATS:(.*)$", text, re.MULTILINE)
    return frozenset(line.group(1).split()) if line else frozenset()


@dataclass(frozen=True)
class FixedFrames:
    """Counts the bits of coded speech in frames of one size.

    Attributes:
        bits: in a frame.
        size: of a frame in the file, in bytes, its padding and header included.
        header: bytes before the first.
    """

    bits: int
    size: int
    header: int = 0

    def __call__(self, coded: bytes) -> tuple[int, int]:
        frames = max(len(coded) - self.header, 0) // self.size
        return frames * self.bits, frames


def ogg_packets(data: bytes) -> list[int]:
    """The sizes in bytes of the packets of an Ogg file with one stream (RFC 3533, clause 6)."""
    sizes, at, size = [], 0, 0
    while data[at : at + 4] == b"OggS" and len(data) >= at + 27:
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        for length in lacing:
            size += length
            if length < 255:
                sizes.append(size)
                size = 0
        at += 27 + len(lacing) + sum(lacing)
    return sizes


_OGG_HEADERS = 2
"""Packets before the first one of speech: identification and comments, in Opus and in Speex."""


def _count_opus(coded: bytes) -> tuple[int, int]:
    sizes = ogg_packets(coded)[_OGG_HEADERS:]
    return 8 * sum(sizes), len(sizes)


def _count_speex(coded: bytes) -> tuple[int, int]:
    frames = len(ogg_packets(coded)[_OGG_HEADERS:])
    return 43 * frames, frames  # the Speex manual, table 9.2: 43 bits in submode 1


_CODEC2_MODES = {
    # mode: bits in a frame, milliseconds of a frame
    "3200": (64, 20),
    "2400": (48, 20),
    "1600": (64, 40),
    "1400": (56, 40),
    "1300": (52, 40),
    "1200": (48, 40),
    "700C": (28, 40),
}


def _codec2(mode: str) -> CommandCodec:
    bits, ms = _CODEC2_MODES[mode]
    return CommandCodec(
        f"codec2-{mode}",
        1000 * bits // ms,
        ms,
        ("c2enc", mode, "-", "-"),
        ("c2dec", mode, "-", "-"),
        "codec2",
        FixedFrames(bits, -(-bits // 8)),
    )


_RAW = ("-t", "raw", "-r", str(SAMPLE_RATE), "-e", "signed", "-b", "16", "-c", "1")


def _others() -> list[CommandCodec]:
    rate = str(SAMPLE_RATE)
    return [
        CommandCodec(
            "opus-6000",
            6000,
            20,
            (
                *("opusenc", "--quiet", "--bitrate", "6"),
                *("--raw", "--raw-rate", rate, "--raw-chan", "1", "-", "-"),
            ),
            ("opusdec", "--quiet", "--rate", rate, "-", "-"),
            "opus-tools",
            _count_opus,
            removed_ms=6.5,  # the pre-skip of libopus: RFC 7845, clause 4.2
        ),
        CommandCodec(
            "amr-4750",
            4750,
            20,
            ("sox", "-V1", *_RAW, "-", "-t", "amr-nb", "-C", "0", "-"),
            ("sox", "-V1", "-t", "amr-nb", "-", *_RAW, "-"),
            "sox libsox-fmt-all",
            # RFC 4867, clause 5: six bytes of magic number, then frames of 1 + 12 bytes; 95 bits.
            FixedFrames(95, 13, 6),
            sox_format="amr-nb",
        ),
        CommandCodec(
            "lpc10-2400",
            2400,
            22.5,
            ("sox", "-V1", *_RAW, "-", "-t", "lpc10", "-"),
            ("sox", "-V1", "-t", "lpc10", "-", *_RAW, "-"),
            "sox libsox-fmt-all",
            FixedFrames(54, 7),  # FED-STD-1015: 54 bits in 22.5 ms
            sox_format="lpc10",
        ),
        CommandCodec(
            "speex-2150",
            2150,
            20,
            ("speexenc", "--narrowband", "--rate", rate, "--quality", "0", "-", "-"),
            ("speexdec", "-", "-"),
            "speex",
            _count_speex,
            removed_ms=10,  # its look-ahead, which speexdec skips
        ),
    ]


def codecs() -> dict[str, Codec]:
    """Every known codec by name, by falling bit rate; not each is here (`Codec.absent`)."""
    known: list[Codec] = [Original(), *_others(), *map(_codec2, _CODEC2_MODES)]
    known += [Model(name) for name in variants()]
    return {codec.name: codec for codec in sorted(known, key=lambda c: -c.bit_rate)}
