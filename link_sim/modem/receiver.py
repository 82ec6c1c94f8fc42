"""What the receiver costs, and what it takes for bursts where none are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.modem import MODEM_RATE, Demodulator, Modulator
from voicelink.blocks.modem import mode as find_mode
from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.iq.noise import complex_normal
from voicelink.link_sim.modem.path import path
from voicelink.models.sizes import PAYLOAD_BYTES

_PIECE = 10 * MODEM_RATE


@dataclass(frozen=True)
class NoiseRun:
    """What a demodulator did with noise alone.

    Attributes:
        mode: the mode's name.
        hours: of noise.
        bursts, confirmed: given out; of them confirmed ones, none of which there should be.
        frames: of them those whose CRC is right.
        cpu: CPU seconds for each second of noise.
    """

    mode: str
    hours: float
    bursts: int
    confirmed: int
    frames: int
    cpu: float


def listen_to_noise(
    mode: str, hours: float, seed: int = 0, progress: Callable[[float], object] = lambda hours: None
) -> NoiseRun:
    """So many hours of white noise into a demodulator.

    Raises:
        ParameterError: no such mode.
    """
    demodulator, decoder = Demodulator(mode), LinkDecoder(find_mode(mode).profile)
    random = np.random.default_rng(seed)
    pieces = max(1, round(hours * 3600 * MODEM_RATE / _PIECE))
    bursts, spent = [], 0.0
    for number in range(pieces):
        noise = complex_normal(random, _PIECE)
        start = time.process_time()
        bursts += demodulator.push(noise)
        spent += time.process_time() - start
        progress((number + 1) * _PIECE / MODEM_RATE / 3600)
    frames = sum(decoder.decode(burst.packet).header is not None for burst in bursts)
    seconds = pieces * _PIECE / MODEM_RATE
    confirmed = sum(burst.confirmed for burst in bursts)
    return NoiseRun(mode, seconds / 3600, len(bursts), confirmed, frames, spent / seconds)


@dataclass(frozen=True)
class Cost:
    """What a receiver takes.

    Attributes:
        mode: the mode's name.
        signal: what it hears.
        cpu: CPU seconds for each second of it.
    """

    mode: str
    signal: str
    cpu: float


def costs(mode: str, seconds: float, seed: int = 0) -> list[Cost]:
    """CPU of the receiver: noise alone, white noise near the threshold, and fading.

    Raises:
        ParameterError: no such mode.
    """
    noise = listen_to_noise(mode, seconds / 3600, seed)
    return [
        Cost(mode, "noise alone", noise.cpu),
        *(
            Cost(mode, f"{name}, {snr_db:g} dB", cpu(mode, name, snr_db, seconds, seed))
            for name, snr_db in (("awgn", -2.0), ("awgn", 10.0), ("watterson-poor", 6.0))
        ),
    ]


def cpu(mode: str, name: str, snr_db: float, seconds: float = 60.0, seed: int = 0) -> float:
    """CPU seconds that demodulator and link decoder take for a second of one long over.

    Args:
        mode: the mode's name.
        name: of the path, one of `voicelink.link_sim.modem.path.PATHS`.
        snr_db: in 3 kHz.
        seconds: of signal.
        seed: of noise, fading and payloads.
    """
    modulator, demodulator = Modulator(mode), Demodulator(mode)
    encoder, decoder = (make(modulator.mode.profile) for make in (LinkEncoder, LinkDecoder))
    chain = IqChain(path(name, snr_db, 50.0, 10.0), seed, MODEM_RATE)
    random = np.random.default_rng(seed)
    spent = samples = 0
    while samples < seconds * MODEM_RATE:
        signal = chain.process(modulator.modulate(encoder.encode(random.bytes(PAYLOAD_BYTES))))
        start = time.process_time()
        for burst in demodulator.push(signal):
            decoder.decode(burst.packet)
        if samples:  # the first one builds the tables
            spent += time.process_time() - start
        samples += len(signal)
    return spent / (samples / MODEM_RATE)
