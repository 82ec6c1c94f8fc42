"""One point of a sweep: what a worker runs, wherever it is."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voicelink.blocks.audio import read_audio
from voicelink.blocks.status import LETTERS, Status
from voicelink.link_sim.channels.compose import channels_from
from voicelink.link_sim.simulation import simulate
from voicelink.link_sim.sweeping.codec2 import peer
from voicelink.link_sim.sweeping.inputs import model_hash
from voicelink.link_sim.sweeping.link_run import run_link
from voicelink.link_sim.sweeping.sweep import Point
from voicelink.link_sim.sweeping.watched_chain import WatchedChain
from voicelink.link_sim.version import version
from voicelink.models.card import card
from voicelink.models.errors import VoiceLinkError, one_line
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

MOST_STATUSES = 2000
"""Of so many superframes the statuses are kept."""


@dataclass(frozen=True)
class Result:
    """What a point gave.

    Attributes:
        row: cells of the table, by column; what does not apply is left out.
        details: plain data for its JSON file; None where the point failed.
        audio: what was heard, float32 at 8 kHz, where it is to be kept.
    """

    row: dict[str, Any]
    details: dict[str, Any] | None = None
    audio: np.ndarray | None = field(default=None, repr=False)


def run_point(point: Point) -> Result:
    """Simulate a point. Whatever goes wrong in it is its result, in the column ``error``."""
    row = {
        "point": point.id,
        "seed": point.seed,
        "profile": point.profile,
        "spread": point.spread,
        "model": point.model,
        "codec": point.codec,
        "speech": point.speech,
        **point.varied,
        "version": version(),
        "numpy": np.__version__,
    }
    clock = _cpu()
    try:
        row["model_hash"] = model_hash(point.model)
        chain = WatchedChain(channels_from(list(point.channel)), point.seed)
        counted, details, audio = (_speech if point.speech else _link)(point, chain)
    except Exception as error:  # a point that fails must not take the others with it
        return Result(row | {"error": _line(error)})
    spent = _cpu() - clock
    seconds = counted["seconds"]
    latencies = chain.latencies()
    statuses = details.pop("statuses")
    counts = {status.value: statuses.count(status) for status in Status}
    frames = len(statuses)
    failed = details.pop("failed", counts["soft"] + counts["concealed"])
    row |= {
        "frames": frames,
        "failed": failed,
        "fer": failed / frames,
        **counts,
        **counted,
        "latency_mean_ms": float(latencies.mean()) if len(latencies) else None,
        "latency_p95_ms": float(np.percentile(latencies, 95)) if len(latencies) else None,
        "latency_max_ms": float(latencies.max()) if len(latencies) else None,
        "queue_most": chain.queue_most,
        "cpu_s": spent,
        "times_real_time": seconds / spent if spent else None,
    }
    details = {
        "statuses": "".join(LETTERS[status] for status in statuses[:MOST_STATUSES]),
        **chain.histograms(),
        **details,
        "channel": chain.stats(),
    }
    return Result(row, details, audio if point.keep_audio else None)


def _link(point: Point, chain: WatchedChain) -> tuple[dict, dict, None]:
    """Random payloads over the link."""
    random = np.random.default_rng([point.seed, point.replica])
    size = card(point.model).payload_bytes
    payloads = random.integers(0, 256, (point.frames, size), dtype=np.uint8)
    return *_carried(point, chain, payloads)[:2], None


def _speech(point: Point, chain: WatchedChain) -> tuple[dict, dict, np.ndarray]:
    said = read_audio(point.path)
    if point.codec == point.model:
        result = simulate(
            said, chain, point.profile, point.model, point.buffer, spread=point.spread
        )
        report = result.report
        start = report["latency_ms"]["mouth_to_ear"] / 1000 - _delay(point.model)
        counted = {
            "seconds": len(result.statuses) * SUPERFRAME_SECONDS,
            "lost": chain.lost(report["packets"]["sent"], start),
            "payload_rate": card(point.model).bit_rate,
            "on_air_rate": report["rates"]["on_air"],
            "mouth_to_ear_ms": report["latency_ms"]["mouth_to_ear"],
        }
        details, heard = {"statuses": result.statuses, "failed": result.failed}, result.audio
    else:
        codec = peer(point.codec)
        payloads, coded = codec.payloads(said)
        counted, details, confirmed = _carried(point, chain, payloads)
        counted["payload_rate"] = codec.codec.bit_rate
        counted["mouth_to_ear_ms"] -= 1000 * _delay(point.model)
        heard = codec.heard(coded, ~confirmed, said)
        # It has no use for what is only likely.
        details["statuses"] = [
            status if right else Status.CONCEALED
            for status, right in zip(details["statuses"], confirmed, strict=True)
        ]
    for name in point.measures:
        counted[name] = MEASURES[name](said, heard)
    return counted, details, heard


def _carried(
    point: Point, chain: WatchedChain, payloads: np.ndarray
) -> tuple[dict, dict, np.ndarray]:
    """Payloads over the link: counts, details, and which were received as sent, bool."""
    run = run_link(payloads, chain, point.profile, point.model, point.buffer, point.spread)
    counted = {
        "seconds": len(run.statuses) * SUPERFRAME_SECONDS,
        "lost": chain.lost(run.packets, run.start),
        "payload_rate": card(point.model).bit_rate,
        "on_air_rate": run.packet_bits / SUPERFRAME_SECONDS,
        "mouth_to_ear_ms": 1000 * run.mouth_to_ear,
    }
    confirmed = np.array([s in (Status.CLEAN, Status.CORRECTED) for s in run.statuses])
    return counted, {"statuses": run.statuses, "undetected": run.undetected}, confirmed


def _delay(model: str) -> float:
    return card(model).delay / SAMPLE_RATE


def _cpu() -> float:
    """CPU seconds of this process, and of the programs that it ran."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _line(error: Exception) -> str:
    text = one_line(error)
    return text if text and isinstance(error, VoiceLinkError) else f"{type(error).__name__}: {text}"
