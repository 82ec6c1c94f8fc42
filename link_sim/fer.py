"""Frame error rates of the link's code on the AWGN channel, beside the bound.

Run as ``python -m voicelink.link_sim.fer``; ``--model`` sends that model's payloads. BPSK (0 is
sent as +1), LLR = 2 y / sigma^2.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from voicelink.blocks.crc import CRC_BITS
from voicelink.blocks.ldpc import Ldpc
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.profile import Profile, profile
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import VoiceLinkError, require
from voicelink.models.sizes import PAYLOAD_BITS

RAW = (256, 512)
"""k and n of the code measured by itself, the size that the literature's tables use."""

_BATCH = 500


@dataclass(frozen=True)
class Fer:
    """One measured point.

    Attributes:
        code: ``raw`` or the name of a profile.
        ebn0: dB, per information bit of the raw code, per payload bit of a profile.
        frames, errors, undetected: how many were sent, were not delivered, and were delivered
            wrong as if they were right.
        fer: errors / frames, with its 95 % Wilson interval ``low`` to ``high``.
        bound: the normal approximation for as much information in as many coded bits (header and
            payload of a profile).
        milliseconds: CPU time per frame of encoder and decoder, in a batch.
    """

    code: str
    ebn0: float
    frames: int
    errors: int
    undetected: int
    fer: float
    low: float
    high: float
    bound: float
    milliseconds: float


def wilson(errors: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (J. Am. Stat. Assoc. 22, 1927).

    Trials that are not independent may count for fewer, and then for no whole number.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = errors / trials
    centre = p + z * z / (2 * trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # Where nothing or everything failed, one end is exact, and rounding would blur it.
    low = (centre - half) / scale if errors else 0.0
    high = (centre + half) / scale if errors < trials else 1.0
    return low, high


def capacity_and_dispersion(esn0: float) -> tuple[float, float]:
    """Capacity (bits) and dispersion (bits^2) per use of BPSK over AWGN, Es/N0 in dB.

    The mean and the variance of the information density 1 - log2(1 + exp(-L)), where L is the LLR
    of the bit that was sent: normal, of mean 2 / sigma^2 and variance twice that.
    """
    mean = 4 * 10 ** (esn0 / 10)
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    density = 1 - np.logaddexp(0, -(mean + math.sqrt(2 * mean) * nodes)) / math.log(2)
    capacity = float(weights @ density)
    return capacity, float(weights @ (density - capacity) ** 2)


def normal_approximation(k: float, n: int, esn0: float) -> float:
    """The least frame error rate of k bits in n, about: Polyanskiy, Poor & Verdu (IEEE Trans. Inf.
    Theory 56(5), 2010), k = n C - sqrt(n V) Q^-1(e) + log2(n) / 2 solved for e."""
    capacity, dispersion = capacity_and_dispersion(esn0)
    argument = (n * capacity - k + math.log2(n) / 2) / math.sqrt(n * dispersion)
    return 0.5 * math.erfc(argument / math.sqrt(2))


def awgn_llrs(bits: np.ndarray, esn0: float, rng: np.random.Generator) -> np.ndarray:
    """LLRs (float32) of bits sent by BPSK over AWGN, Es/N0 in dB."""
    variance = 0.5 / 10 ** (esn0 / 10)
    received = 1 - 2.0 * bits + math.sqrt(variance) * rng.standard_normal(bits.shape)
    return (2 / variance * received).astype(np.float32)


def measure(
    code: str, ebn0: float, frames: int, seed: int = 0, payload_bits: int = PAYLOAD_BITS
) -> Fer:
    """The frame error rate of ``raw`` or of a profile with error correction, at Eb/N0 in dB.

    Args:
        code: ``raw``, or the profile's name.
        ebn0: dB, see `Fer`.
        frames: how many are sent.
        seed: of payloads and noise.
        payload_bits: of the payloads; ``raw`` has none.

    Raises:
        ParameterError: no such profile, or none for such payloads.
    """
    rng = np.random.default_rng([seed, round(1000 * (ebn0 + 100))])
    if code == "raw":
        k, n = RAW
        chosen, bound_bits, run = None, k, _raw_batch
    else:
        chosen = profile(code, payload_bits)
        k, n = payload_bits, chosen.bits
        bound_bits, run = chosen.information_bits - CRC_BITS, _link_batch
    esn0 = ebn0 + 10 * math.log10(k / n)
    errors = undetected = 0
    seconds = 0.0
    for start in range(0, frames, _BATCH):
        lost, wrong, spent = run(chosen, min(_BATCH, frames - start), esn0, rng)
        errors, undetected, seconds = errors + lost + wrong, undetected + wrong, seconds + spent
    low, high = wilson(errors, frames)
    return Fer(
        code=code,
        ebn0=ebn0,
        frames=frames,
        errors=errors,
        undetected=undetected,
        fer=errors / frames,
        low=low,
        high=high,
        bound=normal_approximation(bound_bits, n, esn0),
        milliseconds=1000 * seconds / frames,
    )


def _raw_batch(_: None, frames: int, esn0: float, rng) -> tuple[int, int, float]:
    ldpc = Ldpc(*RAW)
    bits = rng.integers(0, 2, (frames, ldpc.k), dtype=np.uint8)
    start = time.process_time()
    coded = ldpc.encode(bits)
    spent = time.process_time() - start
    llrs = awgn_llrs(coded, esn0, rng)
    start = time.process_time()
    result = ldpc.decode(llrs)
    spent += time.process_time() - start
    bad = (result.bits != bits).any(axis=1)
    return int((bad & ~result.converged).sum()), int((bad & result.converged).sum()), spent


def _link_batch(chosen: Profile, frames: int, esn0: float, rng) -> tuple[int, int, float]:
    payloads = rng.integers(0, 256, (frames, chosen.payload_bytes), dtype=np.uint8)
    encoder, decoder = LinkEncoder(chosen), LinkDecoder(chosen)
    start = time.process_time()
    bits = encoder.encode_many(payloads)
    spent = time.process_time() - start
    llrs = awgn_llrs(bits, esn0, rng)
    start = time.process_time()
    received = decoder.decode_many(llrs)
    spent += time.process_time() - start
    lost = sum(frame.header is None for frame in received)
    wrong = sum(
        frame.header is not None and not np.array_equal(np.packbits(frame.payload_llr < 0), payload)
        for frame, payload in zip(received, payloads, strict=True)
    )
    return lost, wrong, spent


def single_frame_milliseconds(
    code: str, ebn0: float, frames: int, seed: int = 0, payload_bits: int = PAYLOAD_BITS
) -> float:
    """CPU time per frame of encoder and decoder of a profile, one frame after the other."""
    rng = np.random.default_rng(seed)
    chosen = profile(code, payload_bits)
    encoder, decoder = LinkEncoder(chosen), LinkDecoder(chosen)
    esn0 = ebn0 + 10 * math.log10(payload_bits / encoder.bits)
    spent = 0.0
    for _ in range(frames):
        payload = rng.bytes(chosen.payload_bytes)
        start = time.process_time()
        packet = encoder.encode(payload)
        spent += time.process_time() - start
        llrs = awgn_llrs(np.unpackbits(packet.data), esn0, rng)
        start = time.process_time()
        decoder.decode_many(llrs[None])
        spent += time.process_time() - start
    return 1000 * spent / frames


_POINTS = {
    "raw": (0.87, 1.37, 1.86, 2.36),
    "half": (1.0, 1.5, 2.0, 2.5),
    "third": (0.0, 0.5, 1.0, 1.5),
}


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status is 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m voicelink.link_sim.fer", description=__doc__)
    parser.add_argument(
        "--model", default=DEFAULT, help="whose payloads are sent, by their size: an id or a folder"
    )
    parser.add_argument("--frames", type=int, default=2000, help="frames at each point")
    parser.add_argument("--ebn0", type=float, nargs="+", help="dB; default: around the thresholds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="a JSON object instead of the table")
    args = parser.parse_args(argv)
    try:
        require("--frames", args.frames, 1)
        require("--seed", args.seed, 0)
        bits = card(args.model).payload_bits
        profile("half", bits)  # there are frames for such payloads
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    points = [
        measure(code, ebn0, args.frames, args.seed, bits)
        for code, default in _POINTS.items()
        # The code by itself has one size, whatever the payloads.
        if code != "raw" or bits == PAYLOAD_BITS
        for ebn0 in args.ebn0 or default
    ]
    frames = min(args.frames, 300)
    single = {
        code: single_frame_milliseconds(code, _POINTS[code][2], frames, args.seed, bits)
        for code in ("half", "third")
    }
    if args.json:
        found = {"payload_bits": bits, "points": [asdict(p) for p in points]}
        print(json.dumps(found | {"single_frame_ms": single}))
        return 0
    print(f"payloads of {bits} bits")
    print("code   Eb/N0 dB  frames  FER       95 % interval        bound     undetected  ms/frame")
    for p in points:
        print(
            f"{p.code:6} {p.ebn0:8.2f} {p.frames:7d}  {p.fer:.2e}  {p.low:.2e}..{p.high:.2e}"
            f"  {p.bound:.2e} {p.undetected:11d} {p.milliseconds:9.2f}"
        )
    for code, milliseconds in single.items():
        print(f"one frame at a time, {code} at {_POINTS[code][2]} dB: {milliseconds:.2f} ms CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
