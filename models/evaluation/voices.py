"""What a voice that is sent apart does for the speech.

Run as ``python -m voicelink.models.evaluation.voices FOLDER``: recordings in their speaker's voice,
taken from the same recording or from another one, in a neutral voice, and in somebody else's.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from voicelink.models.card import DEFAULT, card
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.cost import read
from voicelink.models.evaluation.evaluate import Recording, Results, evaluate
from voicelink.models.evaluation.manifest import read_manifest
from voicelink.models.evaluation.measures import MEASURES, WITHOUT_TRANSCRIPTS
from voicelink.models.evaluation.peers import Codec, Coded, Model
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.evaluation.tables import markdown
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS
from voicelink.models.voice import voice_of

MODEL = "voice-profile"
MEASURED = ("estoi", "similarity", "pesq", "dnsmos-ovrl")

_BEGINNING = SAMPLE_RATE // 4


def _beginning(audio: np.ndarray) -> bytes:
    return audio[:_BEGINNING].tobytes()


@dataclass(frozen=True)
class Voiced(Codec):
    """A model that speaks each recording in a voice that is known from the start.

    Attributes:
        name: of the case, for the table.
        model: its id or folder.
        voices: by the beginnings of the recordings, which tell them apart; of those that are not
            here the voice stays neutral.
    """

    name: str
    model: str
    voices: dict[bytes, bytes] = field(default_factory=dict, hash=False)
    frame_ms: float = 1000 * SUPERFRAME_SECONDS

    @property
    def bit_rate(self) -> int:
        return round(card(self.model).bit_rate)

    def absent(self) -> None:
        return None

    def code(self, audio: np.ndarray) -> Coded:
        encoder, decoder = SpeechEncoder(self.model), SpeechDecoder(self.model)
        decoder.set_voice(self.voices.get(_beginning(audio)))
        payload = encoder.encode(audio) + encoder.flush()
        decoded = decoder.decode(payload)[decoder.delay :][: len(audio)]
        return Coded(decoded, 8 * len(payload), len(payload) // encoder.card.payload_bytes)


def others(recordings: list[Recording]) -> tuple[dict[int, int], dict[int, int]]:
    """For each recording that has one, another of the same speaker; and one of somebody else: the
    next by name, the first following the last."""
    count = len(recordings)
    same, other = {}, {}
    for i, recording in enumerate(recordings):
        following = [(i + k) % count for k in range(1, count)]
        for found, alike in ((same, True), (other, False)):
            for j in following:
                if (recordings[j].speaker == recording.speaker) is alike:
                    found[i] = j
                    break
    return same, other


def compare(
    recordings: list[Recording], model: str, measures: list[str], jobs: int = 1, progress=None
) -> list[tuple[str, Results]]:
    """Results over all recordings, and over those whose speaker has another one.

    Args:
        recordings: with their speakers.
        model: one that sends the voice apart.
        measures: names in `MEASURES`.

    Raises:
        ParameterError: the model sends no voice, or a recording holds too little speech.

    Returns:
        Titles and results. The model by its own name is heard as by somebody who has not met the
        speaker before: neutral, until the voice has been told from the speech.
    """
    same, other = others(recordings)
    voices = [voice_of(recording.audio, model) for recording in recordings]
    places = [_beginning(recording.audio) for recording in recordings]
    given = {
        "own voice": {i: i for i in range(len(recordings))},
        "voice of another recording": same,
        "neutral voice": {},
        "somebody else's voice": other,
    }
    cases = {
        name: Voiced(name, model, {places[i]: voices[j] for i, j in chosen.items()})
        for name, chosen in given.items()
    }
    # Without their speakers: no tables for each.
    heard = [replace(recording, sex="", speaker="") for recording in recordings]
    wanted = [MEASURES[name] for name in measures]
    codecs = [Model(DEFAULT), Model(model), *cases.values()]
    results = evaluate(codecs, heard, wanted, progress, jobs)
    names = {recordings[i].name for i in same}
    few = [name for name in results.codecs if name != "voice of another recording"]
    title = f"a voice that is known from the start: {len(recordings)} recordings"
    parts = [(title, replace(results, codecs=few))]
    if names:
        rows = [row for row in results.rows if row.file in names]
        title = f"a voice known so: the {len(names)} recordings of people with several"
        parts.append((title, replace(results, rows=rows)))
    return parts


def to_json(parts: list[tuple[str, Results]]) -> str:
    """The means, by title, case and measure."""
    found = {
        title: {
            case: {
                "bit_rate": round(results.bit_rate(case)),
                **{m.name: round(results.mean(case, m.name).value, 3) for m in results.measures},
            }
            for case in results.codecs
        }
        for title, results in parts
    }
    return json.dumps(found, indent=1) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 0, or 2 for bad input or where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.evaluation.voices",
        description="Speech of a model that sends the voice apart, in several voices.",
    )
    parser.add_argument("folder", type=Path, help="recordings, and a manifest.tsv with speakers")
    parser.add_argument("--model", default=MODEL, help="a released model's id, or its folder")
    parser.add_argument("--measures", default=",".join(MEASURED), metavar="A,B")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to work in")
    parser.add_argument("--json", action="store_true", help="JSON instead of the tables")
    args = parser.parse_args(argv)
    try:
        require("--jobs", args.jobs, 1, 256)
        measures = args.measures.split(",")
        for name in measures:
            if name not in WITHOUT_TRANSCRIPTS:
                raise ParameterError(
                    f"--measures must be of {', '.join(WITHOUT_TRANSCRIPTS)}, not {name}"
                )
        manifest = {Path(name).stem: row for name, row in read_manifest(args.folder).items()}
        recordings = [
            replace(each, speaker=manifest.get(each.name, {}).get("speaker") or each.name)
            for each in read(args.folder, None)
        ]
        with progress_bar() as progress:
            parts = compare(recordings, args.model, measures, args.jobs, progress)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(to_json(parts), end="")
        return 0
    for title, results in parts:
        print(f"With {title}\n\n{markdown(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
