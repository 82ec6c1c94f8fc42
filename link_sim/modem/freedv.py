"""FreeDV's modes 700D and 700E, by their own library, over the paths of our modem.

libcodec2 has modem, error correction and speech codec of FreeDV (Debian: libcodec2-1.0). Its
signal is real, around 1500 Hz; here it becomes complex baseband, as ours is, and real again behind
the path, as in a transceiver for single sideband. So both meet the same samples of noise and
fading.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from dataclasses import dataclass

import numpy as np

from voicelink.models.errors import ParameterError, one_of
from voicelink.models.sizes import SAMPLE_RATE

MODES = {"700D": 7, "700E": 13}
"""The modes, with the library's numbers of them."""

CENTRE = 1500.0

_SLIP = 400  # samples by which speech may come earlier or later than what came before it goes on

_LEVEL = 4000.0  # amplitude of a signal of power 1 at the receiver, as 16-bit samples
_MUTED = -100.0  # dB: it is silent only where it is not synchronised


@dataclass(frozen=True)
class Received:
    """What its receiver made of an over.

    Attributes:
        audio: float32 (n,), 8 kHz, by the clock of the samples that came in.
        good: test packets without errors.
    """

    audio: np.ndarray
    good: int


class FreeDv:
    """One of FreeDV's modes.

    Attributes:
        name: 700D or 700E.
        packet_seconds: how long one of its packets takes.

    Raises:
        ParameterError: no such mode, or the library is not there.
    """

    def __init__(self, name: str) -> None:
        self.name = one_of("FreeDV mode", name, MODES)
        if absent():
            raise ParameterError(absent())
        with _Session(name) as session:
            self._speech, self._signal = session.speech_samples, session.signal_samples
        self.packet_seconds = self._signal / SAMPLE_RATE

    def send(self, speech: np.ndarray) -> np.ndarray:
        """An over of speech, float32 (n,) at 8 kHz, +-1: complex64 of mean power 1."""
        packets = -(-len(speech) // self._speech)
        samples = np.zeros(packets * self._speech, np.int16)
        samples[: len(speech)] = np.clip(32768 * speech, -32768, 32767)
        return self._sent(samples.reshape(packets, -1), test=False)

    def send_test(self, packets: int) -> np.ndarray:
        """An over of so many known packets: complex64 of mean power 1."""
        return self._sent(np.zeros((packets, self._speech), np.int16), test=True)

    def receive(self, samples: np.ndarray, test: bool = False) -> Received:
        """An over as it came in, complex (n,)."""
        real = np.ascontiguousarray(_LEVEL * to_real(samples), np.float32)
        audio = np.zeros(len(real) + 3 * self._speech, np.float32)
        at = heard = 0
        with _Session(self.name, test) as session:
            while at + (wanted := session.wanted()) <= len(real):
                piece = session.hear(real[at : at + wanted])
                at += wanted
                if len(piece) and abs(at - heard) > _SLIP:
                    heard = at  # by the clock of the input, where it did not come without a gap
                piece = piece[: len(audio) - heard]
                audio[heard : heard + len(piece)] = piece
                heard += len(piece)
            return Received(audio, session.good())

    def _sent(self, speech: np.ndarray, test: bool) -> np.ndarray:
        with _Session(self.name, test) as session:
            signal = np.concatenate([session.say(packet) for packet in speech])
        return to_baseband(signal)


def to_baseband(signal: np.ndarray) -> np.ndarray:
    """A real signal (n,) around `CENTRE` as complex64 baseband of mean power 1."""
    spectrum = np.fft.fft(signal)
    spectrum[(len(signal) + 1) // 2 :] = 0
    complex_signal = np.fft.ifft(spectrum) * _carrier(len(signal)).conj()
    power = np.mean(np.abs(complex_signal) ** 2)
    return (complex_signal / np.sqrt(power)).astype(np.complex64)


def to_real(samples: np.ndarray) -> np.ndarray:
    """Baseband as a transceiver for upper sideband gives it out, real, (n,).

    Only positive frequencies pass: of noise at negative ones half would fold onto the signal.
    """
    spectrum = np.fft.fft(samples * _carrier(len(samples)))
    spectrum[(len(samples) + 1) // 2 :] = 0
    return np.fft.ifft(spectrum).real


def absent() -> str | None:
    """What to install, in words, where the library is not here; None where it is."""
    if ctypes.util.find_library("codec2") is None:
        return "FreeDV needs the library libcodec2: apt-get install libcodec2-1.0"
    return None


def _carrier(samples: int) -> np.ndarray:
    return np.exp(2j * np.pi * (np.arange(samples) * CENTRE / SAMPLE_RATE % 1))


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("codec2"))
    library.freedv_open.restype = ctypes.c_void_p
    return library


class _Session:
    """One ``struct freedv``, as a context."""

    def __init__(self, name: str, test: bool = False) -> None:
        self._open = _library().freedv_open(MODES[name])
        if not self._open:
            raise ParameterError(f"libcodec2 was built without FreeDV {name}")
        self._call("set_test_frames", ctypes.c_int(test))
        # As its own programs are run: the transmitter's filter, and no clipping, which would cost
        # at equal mean power.
        self._call("set_clip", ctypes.c_bool(False))
        self._call("set_tx_bpf", ctypes.c_int(1))
        self._call("set_squelch_en", ctypes.c_bool(True))
        self._call("set_snr_squelch_thresh", ctypes.c_float(_MUTED))
        self.speech_samples = self._call("get_n_speech_samples")
        self.signal_samples = self._call("get_n_nom_modem_samples")
        most = max(self._call("get_n_max_speech_samples"), self._call("get_n_max_modem_samples"))
        self._audio = np.zeros(2 * most, np.int16)

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._call("close", result=None)

    def say(self, speech: np.ndarray) -> np.ndarray:
        """The signal, int16, of a packet of speech, int16."""
        signal = np.zeros(self.signal_samples, np.int16)
        self._call("tx", _pointer(signal), _pointer(np.ascontiguousarray(speech)), result=None)
        return signal

    def wanted(self) -> int:
        """How many samples the receiver takes next."""
        return self._call("nin")

    def hear(self, signal: np.ndarray) -> np.ndarray:
        """The speech, float32, that came out with so much of the signal, float32."""
        count = self._call("floatrx", _pointer(self._audio), _pointer(signal))
        return self._audio[:count].astype(np.float32) / 32768

    def good(self) -> int:
        """Test packets without errors."""
        return self._call("get_total_packets") - self._call("get_total_packet_errors")

    def _call(self, name: str, *arguments: object, result: type | None = ctypes.c_int):
        function = getattr(_library(), f"freedv_{name}")
        function.restype = result
        return function(ctypes.c_void_p(self._open), *arguments)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
