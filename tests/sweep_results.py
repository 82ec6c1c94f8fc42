"""Folders of the form that ``voicelink sweep`` writes, with made-up results.

The error rates follow a waterfall, the intelligibility follows them, and the audio is a recording
with noise and gaps.
"""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import yaml

from voicelink.blocks.audio import write_audio

STATUSES = ("clean", "corrected", "soft", "concealed")
LETTERS = dict(zip(STATUSES, "ckxs", strict=True)) | {"soft": "s", "concealed": "x"}
ON_AIR = {"plain": 800.0, "checked": 925.0, "half": 1850.0, "third": 2775.0}
THRESHOLD = {"plain": 7.0, "checked": 7.3, "half": 1.6, "third": 0.8}
"""Eb/N0 in dB at which half of the frames fail."""


def write_sweep(
    folder: Path,
    *,
    vary: dict[str, list] | None = None,
    channel: list | None = None,
    profiles: tuple[str, ...] = ("half", "third"),
    spreads: tuple[int, ...] = (1,),
    codecs: tuple[str, ...] = ("neural-800",),
    speech: dict[str, np.ndarray] | None = None,
    seeds: tuple[int, ...] = (1, 2, 3),
    frames: int = 400,
    delay: float = 0.0,
    fer=None,
) -> Path:
    """A finished sweep; without ``speech`` of the link alone.

    Args:
        vary: channel settings by name, with their values; Eb/N0 from -1 to 3 dB unless given.
        speech: recordings by name, float32 at 8 kHz; their audio is kept for the first seed.
        delay: mean delay by the channel, seconds.
        fer: error rate by (profile, spread, settings); a waterfall over Eb/N0 unless given.
    """
    vary = vary or {"channel.awgn.ebn0_db": [-1.0, 0.0, 1.0, 2.0, 3.0]}
    channel = channel if channel is not None else [{"awgn": {"ebn0_db": 2.0}}]
    fer = fer or _waterfall
    for part in ("details", "audio") if speech else ("details",):
        (folder / part).mkdir(parents=True)
    sweep = {"title": "A made-up sweep", "about": "for tests <of the page>", "channel": channel,
             "vary": vary}  # fmt: skip
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    for name, audio in (speech or {}).items():
        write_audio(folder / "audio" / f"{name}.flac", audio)
    rows = []
    grid = itertools.product(
        profiles, spreads, speech or {"": None}, seeds, itertools.product(*vary.values())
    )
    for profile, depth, name, seed, values in grid:
        settings = dict(zip(vary, values, strict=True))
        rate = fer(profile, depth, settings)
        link = f"{profile}-{depth}-{name}-{seed}-" + "-".join(f"{v:g}" for v in values)
        rng = np.random.default_rng([seed, *link.encode()])
        failing = rng.random(frames) < rate
        heard = np.where(failing, rng.choice(["soft", "concealed"], frames, p=[0.7, 0.3]), "clean")
        heard[~failing & (rng.random(frames) < 0.5)] = "corrected"
        for codec in codecs if speech else codecs[:1]:
            own = codec == codecs[0]
            row = {
                "point": f"p{len(rows):04d}", "title": "A made-up sweep", "seed": seed,
                "profile": profile, "spread": depth, "model": "neural-800", "codec": codec,
                "speech": name, **settings, "frames": frames, "seconds": frames * 0.32,
                "lost": 0, "failed": int(failing.sum()), "fer": failing.mean(),
                **{s: int((heard == s).sum()) for s in STATUSES},
            }  # fmt: skip
            if speech:
                worth = (0.82 - 0.35 * rate) if own else (0.66 - 0.6 * rate)
                row["estoi"] = round(worth + 0.01 * rng.standard_normal(), 4)
                row["pesq"] = round(1.2 + 2 * worth**2, 4)
            row |= {
                "payload_rate": 800, "on_air_rate": ON_AIR[profile],
                "latency_mean_ms": 1000 * delay, "latency_p95_ms": 1600 * delay,
                "latency_max_ms": 2500 * delay, "mouth_to_ear_ms": 550 + 320 * (depth - 1),
                "queue_most": 4 if delay else 0, "cpu_s": 0.4, "times_real_time": 320,
                "version": "0.2.0", "numpy": np.__version__, "model_hash": "0123abcd", "error": "",
            }  # fmt: skip
            rows.append(row)
            _keep(folder, row, heard, delay, rng)
            if speech and seed == seeds[0]:
                audio = _worse(speech[name], failing, own, rng)
                write_audio(folder / "audio" / f"{row['point']}.flac", audio)
    write_table(folder, rows)
    return folder


def write_table(folder: Path, rows: list[dict]) -> None:
    """Write the table again, of these rows."""
    with (folder / "results.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read_table(folder: Path) -> list[dict]:
    """The rows of the table."""
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _waterfall(profile: str, depth: int, settings: dict) -> float:
    ebn0 = settings.get("channel.awgn.ebn0_db", 2.0)
    return float(1 / (1 + np.exp(4 * (ebn0 - THRESHOLD[profile] + 0.2 * (depth > 1)))))


def _keep(folder: Path, row: dict, heard: np.ndarray, delay: float, rng) -> None:
    times = rng.gamma(4, 250 * delay, row["frames"]) if delay else np.zeros(row["frames"])
    counts, edges = np.histogram(times, 20, (0, max(1.0, times.max())))
    details = {
        "statuses": "".join(LETTERS[s] for s in heard),
        "latency_ms": {"edges": edges.tolist(), "counts": counts.tolist()},
        "channel": [{"channel": "awgn", "in": row["frames"], "out": row["frames"]}],
    }
    if delay:
        details["queue"] = {"edges": [0, 1, 2, 3, 4, 5], "counts": [200, 120, 50, 20, 10]}
    (folder / "details" / f"{row['point']}.json").write_text(json.dumps(details))


def _worse(audio: np.ndarray, failing: np.ndarray, own: bool, rng) -> np.ndarray:
    """What a made-up codec makes of it: noise where frames fail, quieter where it is a peer."""
    gain = np.repeat(failing[: len(audio) // 2560 + 1], 2560)[: len(audio)]
    noise = rng.standard_normal(len(audio)).astype(np.float32)
    heard = audio * (1 - 0.8 * gain) + noise * (0.003 if own else 0.02) + 0.03 * gain * noise
    return np.clip((1.0 if own else 0.4) * heard, -1, 1).astype(np.float32)
