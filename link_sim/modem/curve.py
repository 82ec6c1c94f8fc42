"""Frame errors of the modem against the signal-to-noise ratio, everything included."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.modem import MODEM_RATE, Mode
from voicelink.blocks.modem import mode as find_mode
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Gatherer, Spreader
from voicelink.link_sim.fer import normal_approximation, wilson
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.noise import REFERENCE_HZ
from voicelink.link_sim.modem.air import Air, Heard
from voicelink.link_sim.modem.path import path
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SECONDS

TAIL = 0.4
"""Seconds of noise after an over."""

_LEAD = (0.15, 0.45)  # and before it
_BATCH = 400  # frames that are decoded together


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        mode: the mode's name.
        path: one of `voicelink.link_sim.modem.path.PATHS`.
        over: frames in each over; the receiver begins anew with each, at another time, frequency
            and clock error, and on another stretch of the path.
        spread: packets that each frame is spread over.
        offset_hz, ppm: errors of frequency and clock are uniform within +- these.
        cheap: whether the receiver has a cheap one's faults.
        payload_bits: of the payloads.
    """

    mode: str = "bpsk"
    path: str = "awgn"
    over: int = 25
    spread: int = 1
    offset_hz: float = 100.0
    ppm: float = 20.0
    cheap: bool = False
    payload_bits: int = PAYLOAD_BITS


@dataclass(frozen=True)
class Over:
    """What is drawn for one over, the same for all that is measured over it.

    Attributes:
        offset_hz, ppm: the receiver's errors.
        lead: seconds of noise before it.
        noise: seeds the path.
        random: draws what is sent.
    """

    offset_hz: float
    ppm: float
    lead: float
    noise: np.random.SeedSequence
    random: np.random.Generator

    @classmethod
    def of(cls, setting: Setting, seed: int, number: int) -> Over:
        """The over of that number."""
        choice, noise = np.random.SeedSequence([seed, number]).spawn(2)
        random = np.random.default_rng(choice)
        offset, ppm = (random.uniform(-1, 1) * most for most in (setting.offset_hz, setting.ppm))
        return cls(offset, ppm, random.uniform(*_LEAD), noise, random)

    def path(self, setting: Setting, snr_db: float) -> list[Effect]:
        """What the signal meets."""
        return path(setting.path, snr_db, self.offset_hz, self.ppm, setting.cheap)


@dataclass(frozen=True)
class Point:
    """One point of a curve.

    Attributes:
        system: the mode, with the depth of spreading behind a slash where there is one.
        setting: what was measured.
        snr_db: of the mean signal, in 3 kHz.
        ebn0_db: the same per bit of the payload, all that is sent counted.
        frames, errors: frames sent; of them not received as they were sent.
        undetected: of the errors those that the CRC confirmed.
        fer, low, high: share of errors with its 95 % Wilson interval.
        bound: the least FER of a payload's bits in twice as many, by the normal approximation; NaN
            where there is more than white noise.
        bursts, acquired: bursts sent; of them found where they were.
        overs, first: overs sent; of them those whose first burst was found.
        strays, false: bursts given out where none was; of them confirmed ones.
        frequency_hz: root of the mean squared error of the bursts' frequencies.
        snr_bias_db: mean of the bursts' own SNR less the true one, on white noise.
        llr_scale: by how much LLRs ought to be multiplied to be true; 1 where they are.
        cpu: CPU seconds of the demodulator for each second of signal.
    """

    system: str
    setting: Setting
    snr_db: float
    ebn0_db: float
    frames: int
    errors: int
    undetected: int
    fer: float
    low: float
    high: float
    bound: float
    bursts: int
    acquired: int
    overs: int
    first: int
    strays: int
    false: int
    frequency_hz: float
    snr_bias_db: float
    llr_scale: float
    cpu: float

    @property
    def acquisition(self) -> tuple[float, float, float]:
        """Share of the bursts found, with its Wilson interval."""
        return self.acquired / self.bursts, *wilson(self.acquired, self.bursts)


def bound(ebn0_db: float, payload_bits: int = PAYLOAD_BITS) -> float:
    """The least frame error rate of a payload's bits at rate 1/2, Eb/N0 per payload bit in dB."""
    k, n = payload_bits, 2 * payload_bits
    return normal_approximation(k, n, ebn0_db + 10 * math.log10(k / n))


def ebn0_over_snr(payload_bits: int = PAYLOAD_BITS) -> float:
    """dB from the SNR in 3 kHz to Eb/N0 per bit of the payload within an endless over.

    >>> round(ebn0_over_snr(256), 2), round(ebn0_over_snr(128), 2)
    (5.74, 8.75)
    """
    return 10 * math.log10(REFERENCE_HZ * SUPERFRAME_SECONDS / payload_bits)


@dataclass
class _Tally:
    """What is counted on the way."""

    acquired: int = 0
    first: int = 0
    strays: int = 0
    false: int = 0
    frequency: list[float] = field(default_factory=list)
    snr: list[float] = field(default_factory=list)
    agreeing: list[np.ndarray] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    frames: list[tuple[int, Packet]] = field(default_factory=list)
    right: int = 0
    wrong: int = 0
    decoded: int = 0


def measure(
    setting: Setting,
    snr_db: float,
    frames: int,
    seed: int = 0,
    progress: Callable[[int], object] = lambda frames: None,
) -> Point:
    """One point: overs until ``frames`` frames have been sent.

    Args:
        setting: what is measured.
        snr_db: of the mean signal, in 3 kHz.
        frames: at least this many, in whole overs.
        seed: of all that is random.
        progress: called with the frames sent, after each over.

    Raises:
        ParameterError: no such mode, path or spreading, or a number out of range.
    """
    chosen = find_mode(setting.mode)
    air = Air(setting.mode, setting.spread, payload_bits=setting.payload_bits)
    tally = _Tally()
    decoder = LinkDecoder(chosen.profile, payload_bits=setting.payload_bits)
    overs = -(-frames // setting.over)
    for number in range(overs):
        _over(setting, chosen, snr_db, air, tally, Over.of(setting, seed, number))
        if len(tally.payloads) - tally.decoded >= _BATCH or number == overs - 1:
            _decode(decoder, tally)
        progress((number + 1) * setting.over)
    sent = overs * setting.over
    errors = sent - tally.right
    # The preamble that ends each over is sent as well, and packets of which a spread over has more
    # than frames.
    energy = air.energy / MODEM_RATE / (sent * setting.payload_bits)
    ebn0_db = snr_db + 10 * math.log10(REFERENCE_HZ * energy)
    low, high = wilson(errors, sent)
    return Point(
        system=setting.mode + (f"/{setting.spread}" if setting.spread > 1 else ""),
        setting=setting,
        snr_db=snr_db,
        ebn0_db=ebn0_db,
        frames=sent,
        errors=errors,
        undetected=tally.wrong,
        fer=errors / sent,
        low=low,
        high=high,
        bound=bound(ebn0_db, setting.payload_bits) if setting.path == "awgn" else math.nan,
        bursts=overs * (setting.over + setting.spread - 1),
        acquired=tally.acquired,
        overs=overs,
        first=tally.first,
        strays=tally.strays,
        false=tally.false,
        frequency_hz=_rms(tally.frequency),
        snr_bias_db=float(np.mean(tally.snr)) if tally.snr else math.nan,
        llr_scale=llr_scale(np.concatenate(tally.agreeing)) if tally.agreeing else math.nan,
        cpu=air.receiving / (air.samples / MODEM_RATE),
    )


def llr_scale(agreeing: np.ndarray) -> float:
    """The factor that makes LLRs likeliest: that of a logistic regression on one variable.

    Args:
        agreeing: (n,) LLRs, each with the sign turned so that it is positive where it is right.

    Returns:
        s, of the greatest sum of ``-log(1 + exp(-s L))``; NaN where no LLR is wrong.
    """
    agreeing = np.asarray(agreeing, np.float64)
    if not (agreeing < 0).any():
        return math.nan
    scale = 1.0
    for _ in range(50):
        wrong = 1 / (1 + np.exp(np.clip(scale * agreeing, -500, 500)))
        step = (agreeing @ wrong) / max((agreeing**2) @ (wrong * (1 - wrong)), 1e-12)
        scale = float(np.clip(scale + step, scale / 2, 2 * scale))
        if abs(step) < 1e-6:
            break
    return scale


def _over(setting: Setting, mode: Mode, snr_db: float, air: Air, tally: _Tally, over: Over) -> None:
    """One over: the receiver as new, noise, the frames, noise."""
    air.begin(over.path(setting, snr_db), over.noise)
    payloads = [over.random.bytes(setting.payload_bits // 8) for _ in range(setting.over)]
    packets = list(_packets(payloads, mode.profile, setting))
    heard = air.pause(over.lead)
    for packet in packets:
        heard += air.send(packet)
    heard += air.pause(TAIL)
    _count(heard, packets, over.offset_hz, snr_db, tally)
    start = len(tally.payloads)
    tally.payloads += payloads
    tally.frames += [(start + n, packet) for n, packet in _gathered(heard, setting)]


def _packets(payloads: Iterable[bytes], profile: str, setting: Setting) -> Iterator[Packet]:
    encoder = LinkEncoder(profile, payload_bits=setting.payload_bits)
    spreader = Spreader(encoder.bits, setting.spread)
    yield from (spreader.push(encoder.encode(payload)) for payload in payloads)
    yield from spreader.flush()


def _count(
    heard: list[Heard], packets: list[Packet], offset: float, snr_db: float, tally: _Tally
) -> None:
    for number, burst in heard:
        if number is None:
            tally.strays += 1
            tally.false += burst.confirmed
            continue
        tally.acquired += 1
        tally.first += number == 0
        tally.frequency.append(burst.frequency - offset)
        tally.snr.append(burst.snr_db - snr_db)
        signs = 1 - 2.0 * np.unpackbits(packets[number].data)
        tally.agreeing.append((signs * burst.packet.data).astype(np.float32))


def _gathered(heard: list[Heard], setting: Setting) -> Iterator[tuple[int, Packet]]:
    """The frames in the bursts of an over, with their numbers."""
    gatherer = Gatherer(setting.payload_bits)
    for number, burst in heard:
        if number is not None:
            for frame in gatherer.push(Packet(burst.packet.data, number)):
                yield frame.number, frame
    for number in range(setting.over):
        frame = gatherer.take(number)
        if frame is not None:
            yield number, frame


def _decode(decoder: LinkDecoder, tally: _Tally) -> None:
    tally.decoded = len(tally.payloads)
    if not tally.frames:
        return
    results = decoder.decode_many(np.stack([packet.data for _, packet in tally.frames]))
    for (number, _), frame in zip(tally.frames, results, strict=True):
        if frame.header is None:
            continue
        same = np.packbits(frame.payload_llr < 0).tobytes() == tally.payloads[number]
        tally.right += same
        tally.wrong += not same
    tally.frames.clear()


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values else math.nan
