"""The modem on a sound card: packets to a transceiver's audio input, and from its output."""

from __future__ import annotations

from collections import deque

import numpy as np

from voicelink.blocks.modem import Demodulator, Downconverter, Modulator, to_passband
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import CONFIRMED, FREQUENCY, SNR_DB
from voicelink.blocks.sound_card import SoundInput, SoundOutput
from voicelink.models.errors import require
from voicelink.models.sizes import PAYLOAD_BITS, SAMPLE_RATE

_FLUSH = 0.05  # seconds of silence that push the last symbols through the card's resampler


class RadioSink:
    """Packets as the modem's signal, in the audio band of a transceiver (1500 Hz), on a card.

    Args:
        output: the card.
        mode: the modem's mode by name.
        spread: packets that each frame is spread over.
        level: dBFS of the signal, -60 to -3: its peaks are some 7 dB higher.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        card: the card.
        endpoint: what it is, for messages.
        dropped: 0; as of a socket.

    Raises:
        ParameterError: no such mode, or a number out of range.
    """

    dropped = 0

    def __init__(
        self,
        output: SoundOutput,
        mode: str = "bpsk",
        spread: int = 1,
        level: float = -12.0,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self.card = output
        self._modulator = Modulator(mode, spread, payload_bits)
        self._gain = 10 ** (float(require("level", level, -60, -3)) / 20) / np.sqrt(2)
        self._sent = 0
        self.endpoint = f"{output.name} (mode {mode})"

    @property
    def waiting(self) -> float:
        """Seconds until the last of what was sent has left the card."""
        return self.card.left

    @property
    def open(self) -> bool:
        """Whether the card is there; tries to open it again if not."""
        return self.card.look()

    def begin(self, silence: float) -> None:
        """Begin an over, with so many seconds of silence for the transmitter to come up."""
        self.card.write(np.zeros(round(silence * SAMPLE_RATE), np.float32))

    def send(self, packet: Packet, timeout_s: float | None = None) -> None:
        """The burst of one packet."""
        self._write(self._modulator.modulate(packet))
        self.card.running = True

    def finish(self) -> None:
        """End the over."""
        # What runs dry from here on was to.
        self.card.running = False
        self._write(self._modulator.finish())
        self.card.write(np.zeros(round(_FLUSH * SAMPLE_RATE), np.float32))

    def _write(self, samples: np.ndarray) -> None:
        self.card.write(self._gain * to_passband(samples, self._sent))
        self._sent += len(samples)


class RadioSource:
    """Packets out of a receiver's audio on a card.

    Args:
        source: the card.
        mode: the modem's mode by name.
        spread: packets that the sender spreads each frame over.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        card: the card.
        endpoint: what it is, for messages.
        malformed: 0; as of a socket.
        snr_db: of the latest burst, in 3 kHz; None before the first.
        frequency: Hz by which it was off.

    Raises:
        ParameterError: no such mode, or a number out of range.
    """

    malformed = 0

    def __init__(
        self,
        source: SoundInput,
        mode: str = "bpsk",
        spread: int = 1,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self.card = source
        self._demodulator = Demodulator(mode, spread, payload_bits=payload_bits)
        self._downconverter = Downconverter()
        self._found: deque[Packet] = deque()
        self.endpoint = f"{source.name} (mode {mode})"
        self.snr_db: float | None = None
        self.frequency = 0.0

    def receive(self, timeout_s: float) -> Packet | None:
        """The next packet, or None if none has come within ``timeout_s`` seconds."""
        if not self._found:
            self._listen(self.card.read(timeout_s))
        return self._found.popleft() if self._found else None

    def _listen(self, audio: np.ndarray) -> None:
        for burst in self._demodulator.push(self._downconverter.push(audio)):
            self.snr_db, self.frequency = burst.snr_db, burst.frequency
            said = {
                CONFIRMED: bool(burst.confirmed),
                SNR_DB: float(burst.snr_db),
                FREQUENCY: float(burst.frequency),
            }
            self._found.append(Packet(burst.packet.data, burst.packet.number, said))
