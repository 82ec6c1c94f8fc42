"""Frames that the GFSK flowgraph delivers, by channel: ``python -m voicelink.link_sim.gfsk``.

It is the flowgraph gfsk.grc itself, which GRC compiles without its display, and which runs once for
every line of the table and every seed. Es/N0 is that of a symbol on the air; 10 log10(624 / 256) =
3.9 dB more is the Eb/N0 of a payload bit with the sync word, header, CRC and code all paid for.
Needs GNU Radio.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.grc.files import flowgraph, sample
from voicelink.models.codec import SpeechDecoder
from voicelink.models.errors import VoiceLinkError
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES

SETTINGS = (
    *((esn0, 0, 0) for esn0 in (2, 2.5, 3, 3.5, 4, 5, 6, 10, 20)),
    *((5, offset, 0) for offset in (100, 200, 300)),
    *((5, 0, ppm) for ppm in (100, 1000, -1000)),
)
"""Es/N0 in dB, frequency offset in Hz, clock error in parts per million."""

_CODED_BITS = 624
_SILENCE = 2 * SUPERFRAME_SAMPLES
"""After the speech: the last frame stays in the modem's filters, and the last bit of audio in the
encoder."""


@dataclass(frozen=True)
class Delivery:
    """One line of the table.

    Attributes:
        esn0: Es/N0 of a symbol, dB.
        ebn0: Eb/N0 of a payload bit, all overhead counted, dB.
        frequency_offset: Hz.
        clock_error: of the receiver's clock, parts per million.
        frames: superframes sent.
        ok: those whose CRC was right.
        soft: those decoded from what is likely.
        lost: those concealed: hopeless, or never found.
        estoi: of what was heard, on the mean over the seeds; 0 where nothing was.
    """

    esn0: float
    ebn0: float
    frequency_offset: float
    clock_error: float
    frames: int
    ok: int
    soft: int
    lost: int
    estoi: float


def deliver(
    speech: np.ndarray, settings: list[tuple[float, float, float]], seeds: int = 1
) -> list[Delivery]:
    """Send speech over the flowgraph with every setting.

    Args:
        speech: float32 (n,) at 8 kHz.
        settings: Es/N0 in dB, frequency offset in Hz, clock error in parts per million.
        seeds: how many times with each setting, each with another noise.

    Raises:
        VoiceLinkError: GNU Radio, or the library for ESTOI, is not there.
    """
    missing = MEASURES["estoi"].absent()
    if missing:
        raise VoiceLinkError(missing)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        said = folder / "said.wav"
        write_audio(said, np.concatenate((speech, np.zeros(_SILENCE, np.float32))))
        graph = _compiled(folder)
        return [_line(graph, speech, said, setting, seeds) for setting in settings]


def _compiled(folder: Path) -> Any:
    """The class of the flowgraph's headless form."""
    from voicelink.grc.compiler import compile_flowgraph
    from voicelink.grc.library import platform

    library, _ = platform()
    program = compile_flowgraph(library, flowgraph("gfsk"), folder, without_gui=True)
    spec = importlib.util.spec_from_file_location(program.stem, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, program.stem)


def _line(graph: Any, speech: np.ndarray, said: Path, setting: tuple, seeds: int) -> Delivery:
    esn0, frequency_offset, clock_error = setting
    frames = math.ceil(len(speech) / SUPERFRAME_SAMPLES)
    counts = dict.fromkeys(("clean", "corrected", "soft", "concealed"), 0)
    scores = []
    for seed in range(seeds):
        heard = said.with_name("heard.wav")
        first, statuses = _run(
            graph(
                speech=str(said),
                heard=str(heard),
                seed=seed + 1,  # 0 is another one each time
                esn0=esn0,
                frequency_offset=frequency_offset,
                clock_error=clock_error,
            )
        )
        for status in statuses[max(-first, 0) : frames - first]:
            counts[status] += 1
        scores.append(_estoi(speech, heard, first))
    ok, soft = counts["clean"] + counts["corrected"], counts["soft"]
    return Delivery(
        esn0=esn0,
        ebn0=esn0 + 10 * math.log10(_CODED_BITS / PAYLOAD_BITS),
        frequency_offset=frequency_offset,
        clock_error=clock_error,
        frames=seeds * frames,
        ok=ok,
        soft=soft,
        lost=seeds * frames - ok - soft,
        estoi=float(np.mean(scores)),
    )


def _run(top: Any) -> tuple[int, list[str]]:
    """Run the flowgraph: the number of the first superframe heard, and the statuses from it on."""
    import pmt
    from gnuradio import blocks

    store = blocks.message_debug()
    top.msg_connect((top.decoder, "status"), (store, "store"))
    top.run()
    told = [pmt.to_python(store.get_message(i)) for i in range(store.num_messages())]
    if not told:
        return 0, []
    # The first ones may be numbered by guess, until a header was read; the last ones are not.
    return told[-1]["number"] - len(told) + 1, [entry["status"] for entry in told]


def _estoi(speech: np.ndarray, path: Path, first: int) -> float:
    heard = read_audio(path) if path.stat().st_size > 44 else np.zeros(0, np.float32)  # its header
    lead = first * SUPERFRAME_SAMPLES - SpeechDecoder().delay
    aligned = np.zeros(len(speech), np.float32)
    part = heard[max(-lead, 0) :][: len(speech) - max(lead, 0)]
    aligned[max(lead, 0) : max(lead, 0) + len(part)] = part
    return MEASURES["estoi"](speech, aligned) if aligned.any() else 0.0


def main(argv: list[str] | None = None) -> int:
    """Print the table; the exit status is 0, or 2 where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.link_sim.gfsk",
        description="Frames that the GFSK flowgraph delivers, by channel.",
    )
    parser.add_argument("--speech", default=sample(), help="recording (default: the bundled one)")
    parser.add_argument("--seeds", type=int, default=4, help="runs of each setting (default 4)")
    parser.add_argument("--esn0", type=float, nargs="+", metavar="DB")
    parser.add_argument("--frequency-offset", type=float, nargs="+", metavar="HZ")
    parser.add_argument("--clock-error", type=float, nargs="+", metavar="PPM")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    args = parser.parse_args(argv)
    if args.seeds < 1:
        parser.error(f"--seeds must be at least 1, not {args.seeds}")
    given = (args.esn0, args.frequency_offset, args.clock_error)
    settings = list(SETTINGS)
    if any(given):
        esn0s, offsets, errors = given
        settings = list(itertools.product(esn0s or [8], offsets or [0], errors or [0]))
    try:
        lines = deliver(read_audio(args.speech), settings, args.seeds)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([asdict(line) for line in lines]))
        return 0
    print("| Es/N0 dB | Eb/N0 dB | offset Hz | clock ppm | frames | ok | soft | lost | ESTOI |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for line in lines:
        print(
            f"| {line.esn0:g} | {line.ebn0:.1f} | {line.frequency_offset:g} | {line.clock_error:g}"
            f" | {line.frames} | {line.ok} | {line.soft} | {line.lost} | {line.estoi:.3f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
