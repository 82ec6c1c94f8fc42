"""From which reliability on a failed frame is worth hearing.

Run as ``python -m voicelink.link_sim.calibrate FOLDER``; its tables are what
a card's ``reliable_from`` is chosen by.

Speech goes through the profiles `half` and `third` on white noise, and every frame that error
correction could not mend is decoded from its posteriors, however unreliable. Around each, ESTOI is
measured over 640 ms, twice: with all frames as the noise left them (a stretch of bad reception),
and with all right but every fourth (a short fade), there beside concealment of a frame that never
came.

What noise alone is taken for depends on who makes LLRs of it. This project's receiver estimates the
signal's level with the help of the sync word; a demodulator without one has to do it blindly, finds
a signal where there is none, and is surer of its bits than it should be.

The model must be one whose frames stand each for its own superframe of speech: one that codes
blocks of several, or sends the speaker's voice in place of some, has no such ESTOI around a frame.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from voicelink.blocks.link import LinkDecoder, mean_reliability
from voicelink.blocks.snr import symbol_statistics
from voicelink.blocks.sync_word import SYNC_BITS, SYNC_SYMBOLS
from voicelink.link_sim.damaged_speech import Damage, NeuralLink
from voicelink.link_sim.recordings import read_recordings
from voicelink.models.card import DEFAULT, Card, card
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.engines import present
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.files import writing
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES

EBN0 = {
    "half": (-6, -5, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5),
    "third": (-7, -6, -5, -4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5),
}
"""dB, from where nothing can be understood to where most frames are mended."""

EDGES = (0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8, 1)
"""Of the classes of mean reliability."""

UNDERSTOOD = 0.4
"""ESTOI under which next to nothing of a sentence is understood: from there down the phonemes that
a recogniser gets wrong (PocketSphinx, `neural-800` through `half` in noise) are four in five,
whatever the noise."""

NOISE_HEARD = 0.01
"""Share of the frames of noise alone that may be called soft."""

_AROUND = SUPERFRAME_SAMPLES // 2  # samples before and after a superframe that are measured too
_APART = 4  # one frame of so many is bad in the short fades
_QUIET = 0.05  # of the recording's mean power: a pause, of which ESTOI says nothing


@dataclass(frozen=True)
class Sample:
    """One frame that was not mended.

    Attributes:
        reliability: the mean of its latents'.
        stretch: ESTOI around it where its neighbours are bad as well; NaN where one was mended.
        soft: ESTOI around it where its neighbours are right.
        concealed: the same with the frame not used.
    """

    profile: str
    ebn0: float
    reliability: float
    stretch: float
    soft: float
    concealed: float


@dataclass(frozen=True)
class Class:
    """The frames of one class of reliability: how many, and the means of `Sample`'s values.

    ``noise`` is the share of the frames of noise that are at least as reliable as ``low``, and
    ``blind`` the same where the signal's level is estimated without a sync word.
    """

    low: float
    high: float
    frames: int
    stretch: float
    soft: float
    concealed: float
    noise: float
    blind: float


def samples_of(
    link: NeuralLink, recording: Recording, index: int, profile: str, ebn0: float, seed: int
) -> list[Sample]:
    """Every frame of a recording that fails at Eb/N0 in dB, and what is heard around it."""
    damage = Damage(profile, ebn0)
    audio = recording.audio
    frames = link.noisy_frames(audio, profile, ebn0, damage.seed(seed, index))
    posteriors = np.array([frame.payload_llr for frame in frames])
    failed = np.array([frame.header is None for frame in frames])
    encoder, decoder = SpeechEncoder(link.model), SpeechDecoder(link.model)
    payload_bits = encoder.card.payload_bits
    right = llrs_of(encoder.encode(audio) + encoder.flush(), payload_bits)

    @cache
    def heard(kind: str, turn: int = 0) -> np.ndarray:
        used = posteriors
        if kind != "stretch":
            bad = (np.arange(len(right)) % _APART == turn) & failed
            used = np.where(bad[:, None], posteriors if kind == "soft" else np.float32(0), right)
        decoder.reset()
        return decoder.decode_llrs(used)[decoder.delay :][: len(audio)]

    def local(kind: str, at: int) -> float:
        span = slice(max(at * SUPERFRAME_SAMPLES - _AROUND, 0), None)
        length = SUPERFRAME_SAMPLES + 2 * _AROUND
        said = audio[span][:length]
        if len(said) < length or np.mean(said**2) < _QUIET * np.mean(audio**2):
            return math.nan
        return MEASURES["estoi"](said, heard(kind, at % _APART)[span][:length])

    result = []
    for at in np.flatnonzero(failed):
        at = int(at)
        alone = not failed[max(at - 1, 0) : at + 2].all()
        result.append(
            Sample(
                profile,
                ebn0,
                mean_reliability(posteriors[at]),
                math.nan if alone else local("stretch", at),
                local("soft", at),
                local("concealed", at),
            )
        )
    return result


def noise_reliabilities(
    profile: str,
    frames: int,
    seed: int = 0,
    blind: bool = False,
    payload_bits: int = PAYLOAD_BITS,
) -> np.ndarray:
    """The mean reliability of frames (frames,) of white noise as a receiver demodulates it, with a
    sync word before the frame or blindly."""
    rng = np.random.default_rng([seed, frames])
    decoder = LinkDecoder(profile, payload_bits=payload_bits)
    symbols = rng.standard_normal((frames, SYNC_BITS + decoder.profile.bits))
    llrs = [
        symbol_statistics(each[SYNC_BITS:]).llr(each[SYNC_BITS:])
        if blind
        else symbol_statistics(each, SYNC_SYMBOLS).llr(each[SYNC_BITS:])
        for each in symbols
    ]
    return np.array([mean_reliability(f.payload_llr) for f in decoder.decode_many(np.stack(llrs))])


def classes(samples: list[Sample], noise: np.ndarray, blind: np.ndarray) -> list[Class]:
    """The samples, and the reliabilities of noise, by classes of reliability."""

    def mean(values: list[float]) -> float:
        finite = [value for value in values if math.isfinite(value)]
        return float(np.mean(finite)) if finite else math.nan

    result = []
    for low, high in itertools.pairwise(EDGES):
        inside = [s for s in samples if low <= s.reliability < high]
        means = (mean([getattr(s, n) for s in inside]) for n in ("stretch", "soft", "concealed"))
        shares = (float(np.mean(each >= low)) for each in (noise, blind))
        result.append(Class(low, high, len(inside), *means, *shares))
    return result


def threshold(found: list[Class]) -> float:
    """The least reliability, of the classes' edges, from which frames should be heard.

    From there on speech is understood in a stretch of such frames, they are no worse than
    concealment in a short fade, and noise all but never gets there.
    """
    good = math.nan
    for each in reversed(found):
        if not each.frames:
            continue
        understood = not each.stretch < UNDERSTOOD and not each.soft < each.concealed
        if not understood or each.noise > NOISE_HEARD:
            break
        good = each.low
    return good


def calibrate(
    link: NeuralLink,
    recordings: list[Recording],
    noise_frames: int = 2000,
    seed: int = 0,
    report: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> tuple[list[Sample], list[Class]]:
    """Measure: the samples, and the classes over both profiles."""
    points = [(profile, ebn0) for profile, levels in EBN0.items() for ebn0 in levels]
    samples: list[Sample] = []
    for done, (profile, ebn0) in enumerate(points):
        report(done, len(points), f"{profile} at {ebn0:g} dB")
        for index, recording in enumerate(recordings):
            samples += samples_of(link, recording, index, profile, ebn0, seed)
    bits = card(link.model).payload_bits
    noise, blind = (
        np.concatenate([noise_reliabilities(p, noise_frames // 2, seed, way, bits) for p in EBN0])
        for way in (False, True)
    )
    return samples, classes(samples, noise, blind)


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def text(samples: list[Sample], found: list[Class], in_use: float) -> str:
    """Both tables in Markdown: by class of reliability, and by Eb/N0; and the threshold in use."""
    lines = [
        "| mean reliability | frames | ESTOI, all bad | ESTOI, every 4th bad | concealed instead"
        " | noise that reaches it | blindly |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {c.low:.2f} to {c.high:.2f} | {c.frames} | {_number(c.stretch)} | {_number(c.soft)}"
        f" | {_number(c.concealed)} | {100 * c.noise:.1f} % | {100 * c.blind:.1f} % |"
        for c in found
    ]
    lines += [
        "",
        "| profile | Eb/N0 dB | frames failed | mean reliability, 5 % to 95 % | under the threshold"
        " | ESTOI, all bad |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for profile, levels in EBN0.items():
        for ebn0 in levels:
            here = [s for s in samples if (s.profile, s.ebn0) == (profile, ebn0)]
            if not here:
                continue
            reliability = np.array([s.reliability for s in here])
            low, high = np.percentile(reliability, (5, 95))
            scores = [s.stretch for s in here if math.isfinite(s.stretch)]
            lines.append(
                f"| {profile} | {ebn0:g} | {len(here)} | {low:.2f} to {high:.2f}"
                f" | {100 * np.mean(reliability < in_use):.0f} %"
                f" | {_number(float(np.mean(scores)) if scores else math.nan)} |"
            )
    measured = _number(threshold(found))
    lines += ["", f"threshold: {in_use:g} in use, {measured} by this measurement"]
    return "\n".join(lines) + "\n"


def check_model(model: Card) -> None:
    """Raise `ParameterError` where a model cannot be calibrated with, `ModelError` where it cannot
    run on this machine."""
    reason = ""
    if present(model).Encoder.lag:
        reason = "codes several superframes together"
    elif model.voice_bytes:
        reason = "sends the speaker's voice in place of some"
    if reason:
        raise ParameterError(
            "--model must be one whose frames stand each for its own superframe of speech, and"
            f" {model.name} {reason}"
        )


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 0, or 2 for bad input or where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.link_sim.calibrate",
        description="From which reliability on a failed frame is worth hearing.",
    )
    parser.add_argument("folder", help="a folder of recordings, or one")
    parser.add_argument(
        "--model", default=DEFAULT, help="a released model's id, also with a variant, or its folder"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N recordings")
    parser.add_argument("--noise", type=int, default=2000, metavar="N", help="frames of noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write every frame and the classes")
    args = parser.parse_args(argv)
    try:
        require("--noise", args.noise, 2)
        require("--seed", args.seed, 0)
        if args.limit is not None:
            require("--limit", args.limit, 1)
        if MEASURES["estoi"].absent():
            raise VoiceLinkError(MEASURES["estoi"].absent())
        link = NeuralLink(args.model)
        model = card(args.model)
        check_model(model)
        recordings = read_recordings(args.folder, args.limit)
        with ExitStack() as stack:
            # Opened before the work, so that a name that cannot be written costs no waiting.
            part = stack.enter_context(writing(args.json)) if args.json else None
            with progress_bar() as report:
                samples, found = calibrate(link, recordings, args.noise, args.seed, report)
            if part:
                part.write_text(_json(samples, found, model.reliable_from), encoding="utf-8")
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    print(text(samples, found, model.reliable_from), end="")
    return 0


def _json(samples: list[Sample], found: list[Class], in_use: float) -> str:
    def plain(record: object) -> dict:
        values = asdict(record)
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in values.items()
        }

    document = {
        "threshold": {"in_use": in_use, "measured": _null(threshold(found))},
        "classes": [plain(each) for each in found],
        "frames": [plain(each) for each in samples],
    }
    return json.dumps(document, allow_nan=False) + "\n"


def _null(value: float) -> float | None:
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    sys.exit(main())
