"""Speech over the whole chain, ours and FreeDV's, on the same samples of noise and fading."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicelink.blocks.modem import MODEM_RATE
from voicelink.blocks.modem import mode as find_mode
from voicelink.blocks.spread import check_depth
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.modem import LEAD_SECONDS, NO_FADING, Modem
from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.modem import freedv
from voicelink.link_sim.modem.freedv import FreeDv
from voicelink.link_sim.modem.path import path
from voicelink.link_sim.simulation import simulate
from voicelink.models.card import DEFAULT
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.align import delay
from voicelink.models.evaluation.measures import Measure

OFFSET_HZ = 15.0
"""Frequency error of the receiver. FreeDV finds signals that are off by up to some 60 Hz."""

PPM = 10.0
"""And of its clock."""

_TAIL = np.zeros(MODEM_RATE // 2, np.complex64)


@dataclass(frozen=True)
class System:
    """A chain from speech to speech.

    Attributes:
        name: a mode of our modem, one with the depth of spreading behind a slash, or a mode of
            FreeDV: ``bpsk``, ``bpsk/4``, ``700D``.

    Raises:
        ParameterError: there is no such mode, or libcodec2 is missing.
    """

    name: str

    def __post_init__(self) -> None:
        if self.peer:
            if freedv.absent():
                raise ParameterError(freedv.absent())
            return
        mode, _, depth = self.name.partition("/")
        find_mode(mode)
        if depth and not depth.isdecimal():
            raise ParameterError(f"{self.name!r} must be MODE or MODE/DEPTH, such as bpsk/4")
        check_depth(int(depth or 1))

    @property
    def mode(self) -> tuple[str, int]:
        """Mode and depth of spreading of one of ours."""
        mode, _, depth = self.name.partition("/")
        return mode, int(depth or 1)

    @property
    def peer(self) -> bool:
        """Whether it is FreeDV's."""
        return self.name in freedv.MODES

    @property
    def label(self) -> str:
        """As a legend has it."""
        if self.peer:
            return f"FreeDV {self.name}"
        mode, depth = self.mode
        return f"{mode}, spread over {depth}" if depth > 1 else mode


@dataclass(frozen=True)
class Heard:
    """What came of one recording over one path.

    Attributes:
        system, path, snr_db, recording, seed: what it was.
        frames, errors: frames of the link sent, and not received without errors: ours of 320 ms,
            packets of FreeDV of 160 or 80 ms.
        measures: of the speech, by name.
    """

    system: str
    path: str
    snr_db: float
    recording: str
    seed: int
    frames: int
    errors: int
    measures: dict[str, float]


def compare(
    systems: Iterable[System],
    paths: dict[str, list[float]],
    recordings: dict[str, np.ndarray],
    measures: Iterable[Measure],
    seeds: int = 3,
    seed: int = 0,
    model: str | Path = DEFAULT,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[Heard]:
    """Every system over every path, all on the same samples.

    Args:
        systems: what to compare.
        paths: SNRs in 3 kHz, in dB, by the name of the path.
        recordings: float32 (n,) at 8 kHz, by name.
        measures: of the speech.
        seeds: how many stretches of each path, the same ones at every level.
        seed: of the first stretch; the others have the next ones.
        model: a released model's id or a model folder.
        progress: called with runs done, and their total.
    """
    systems, measures = list(systems), list(measures)
    total = len(systems) * seeds * len(recordings) * sum(map(len, paths.values()))
    results: list[Heard] = []
    for name, levels in paths.items():
        for snr_db in levels:
            for place, (recording, speech) in enumerate(recordings.items()):
                for stretch in range(seed, seed + seeds):
                    noise = np.random.SeedSequence([stretch, place])
                    for system in systems:
                        audio, frames, errors = hear(system, speech, name, snr_db, noise, model)
                        values = {m.name: m(speech, audio) for m in measures}
                        results.append(
                            Heard(
                                system.name,
                                name,
                                snr_db,
                                recording,
                                stretch,
                                frames,
                                errors,
                                values,
                            )
                        )
                        progress(len(results), total)
    return results


@dataclass(frozen=True)
class Summary:
    """One system at one level of one path, over all recordings and stretches.

    Attributes:
        share: of the frames, those not received without errors.
        measures: means, by name.
    """

    system: str
    path: str
    snr_db: float
    frames: int
    share: float
    measures: dict[str, float]


def summed_up(results: Iterable[Heard]) -> list[Summary]:
    """The results by path, level and system, in the order in which these come."""
    groups: dict[tuple[str, float, str], list[Heard]] = {}
    for heard in results:
        groups.setdefault((heard.path, heard.snr_db, heard.system), []).append(heard)
    summaries = []
    for (name, snr_db, system), group in groups.items():
        frames = sum(heard.frames for heard in group)
        share = sum(heard.errors for heard in group) / frames
        means = {
            measure: float(np.nanmean([heard.measures[measure] for heard in group]))
            for measure in group[0].measures
        }
        summaries.append(Summary(system, name, snr_db, frames, share, means))
    return summaries


def hear(
    system: System,
    speech: np.ndarray,
    name: str,
    snr_db: float,
    seed: np.random.SeedSequence,
    model: str | Path = DEFAULT,
) -> tuple[np.ndarray, int, int]:
    """What is heard of the speech, as long and aligned; frames sent, and of them the wrong ones."""
    if system.peer:
        return _hear_peer(system.name, speech, name, snr_db, seed)
    mode, spread = system.mode
    fading = name.partition("-")[2] or NO_FADING
    modem = Modem(snr_db=snr_db, mode=mode, fading=fading, offset_hz=OFFSET_HZ, ppm=PPM)
    chain = ChannelChain([modem], seed)
    result = simulate(speech, chain, find_mode(mode).profile, model, spread=spread)
    return result.audio, len(result.statuses), result.failed


def _hear_peer(name, speech, path_name, snr_db, seed) -> tuple[np.ndarray, int, int]:
    peer = FreeDv(name)
    # The seed that the chain of channels gives its first one.
    (child,) = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(1)
    chain = IqChain(path(path_name, snr_db, OFFSET_HZ, PPM), child, MODEM_RATE)
    lead = np.zeros(round(LEAD_SECONDS * MODEM_RATE), np.complex64)
    signal = peer.send(speech)
    received = chain.process(np.concatenate((lead, signal, _TAIL)))
    heard = np.pad(peer.receive(received).audio, (0, len(speech)))
    audio = heard[len(lead) + _lag(name) :][: len(speech)]
    packets = round(len(signal) / MODEM_RATE / peer.packet_seconds)
    chain.reset(child)
    tested = chain.process(np.concatenate((lead, peer.send_test(packets), _TAIL)))
    return audio, packets, packets - min(packets, peer.receive(tested, test=True).good)


@functools.cache
def _lag(name: str) -> int:
    """Samples by which FreeDV's speech is later than what was said, on a clear path."""
    from voicelink.blocks.audio import read_audio
    from voicelink.link_sim.benchmark import SAMPLE

    peer, speech = FreeDv(name), read_audio(SAMPLE)
    heard = peer.receive(np.concatenate((peer.send(speech), _TAIL))).audio
    return delay(speech, heard, MODEM_RATE)
