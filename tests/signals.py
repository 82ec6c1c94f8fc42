"""Signals of a short over for tests: made once, and heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.blocks.modem import mode
from voicelink.link_sim.field.listener import Frame, SignalListener
from voicelink.link_sim.field.sending import SignalMaker
from voicelink.link_sim.field.testframes import packets

FRAMES = 9
"""Frames of an over: a callsign needs eight."""


def over(rate: float = 8000, real: bool = False, **settings) -> np.ndarray:
    """The signal of an over of test frames, with silence before and behind it."""
    maker = SignalMaker(rate, real, **settings)
    profile = mode(settings.get("mode", "bpsk")).profile
    spread = settings.get("spread", 1)
    parts = list(maker.over(packets(profile, "neural-800", "N0CALL", spread, FRAMES)))
    silence = np.zeros(int(0.3 * rate), parts[0].dtype)
    return np.concatenate([silence, *parts, silence])


def heard(signal: np.ndarray, rate: float = 8000, real: bool = False, **settings) -> list[Frame]:
    """The frames in a signal, without their speech."""
    listener = SignalListener(rate, real, speech=False, **settings)
    return listener.push(signal) + listener.end()


def with_noise(signal: np.ndarray, snr_db: float, seed: int = 0, level: float = -12) -> np.ndarray:
    """An I/Q signal at 8000 samples/s with white noise; the SNR is in 3 kHz."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((len(signal), 2)) @ [1, 1j]
    power = 10 ** ((level - snr_db) / 10) * 8 / 3
    return (signal + noise * np.sqrt(power / 2)).astype(np.complex64)


def write_recording(
    folder: Path, samples: np.ndarray, rate: float = 8000, name: str = "r", **more
) -> Path:
    """A minimal SigMF recording of cf32_le, as another program may have made it."""
    import json

    samples.astype("<c8").tofile(folder / f"{name}.sigmf-data")
    top = {"core:datatype": "cf32_le", "core:sample_rate": rate, "core:version": "1.0.0"}
    found = {"global": top | more.pop("top", {}), "captures": [], "annotations": []} | more
    path = folder / f"{name}.sigmf-meta"
    path.write_text(json.dumps(found))
    return path
