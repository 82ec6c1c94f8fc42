"""Speed and memory of the link, beside Codec 2's: ``python -m voicelink.link_sim.benchmark``.

CPU figures are CPU seconds, so that other work on the machine disturbs them little; the others are
wall-clock, and want an idle machine. Everything works on the bundled sample.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

SAMPLE = Path(__file__).parent / "sample" / "sample.flac"
EB_N0_DB = 2.5
FRAMES = 200
REPEATS = 3
LINK_ONLY = (("half", 2.5), ("half", 2.0), ("third", 1.5))
"""Profiles and Eb/N0 in dB at which the link alone is timed."""
LINK_ONLY_FRAMES = 2000

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

_CODE_ONCE = """
import resource, sys
import numpy as np
from voicelink.models.codec import code
code(np.fromfile(sys.argv[1], np.float32))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True)
class Figure:
    """One line of the benchmark.

    Attributes:
        value: what was measured; None where it could not be.
        target: what it should be at most, or at least (``least``); None for a comparison.
        note: why there is no value, or what it rests on.
    """

    name: str
    value: float | None
    unit: str
    target: float | None = None
    least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is no target or no value."""
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.least else self.value <= self.target


def codec_cpu() -> list[Figure]:
    """CPU seconds of encoding and decoding per second of speech: each model's and Codec 2's."""
    from voicelink.blocks.audio import read_audio
    from voicelink.models.evaluation.evaluate import timed
    from voicelink.models.evaluation.peers import Model, codecs
    from voicelink.models.sizes import SAMPLE_RATE

    audio = read_audio(SAMPLE)
    seconds = len(audio) / SAMPLE_RATE
    figures = []
    for codec in codecs().values():
        ours = isinstance(codec, Model)
        if not ours and not codec.name.startswith("codec2"):
            continue
        name, target = f"{codec.name}: encode and decode", 0.05 if ours else None
        if codec.absent():
            figures.append(Figure(name, None, "CPU s/s", target, note=codec.absent()))
            continue
        times = [timed(codec, audio)[1] / seconds for _ in range(5)]
        note = "model loaded before" if ours else "whole processes"
        figures.append(Figure(name, median(times), "CPU s/s", target, note=note))
    return figures


def codec_memory() -> Figure:
    """Greatest resident memory of a process that only encodes and decodes."""
    from voicelink.blocks.audio import read_audio

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.f32"
        read_audio(SAMPLE).tofile(path)
        kilobytes = int(_python("-c", _CODE_ONCE, str(path)))
    return Figure("encode and decode: resident memory", kilobytes / 1000, "MB", 250)


def help_time() -> Figure:
    """Wall time of ``voicelink --help``, the median of seven."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        _python("-m", "voicelink.link_sim.cli", "--help")
        times.append(time.perf_counter() - start)
    return Figure("voicelink --help", median(times), "s", 0.5)


def link_time() -> Figure:
    """CPU milliseconds of link encoding and decoding, per frame, at the half profile's point."""
    import numpy as np

    from voicelink.blocks.link import LinkDecoder, LinkEncoder
    from voicelink.blocks.packet import Packet
    from voicelink.models.sizes import PAYLOAD_BITS, PAYLOAD_BYTES

    rng = np.random.default_rng(1)
    encoder, decoder = LinkEncoder("half"), LinkDecoder("half")
    coding = decoding = 0.0
    for number in range(FRAMES + 1):
        payload = rng.bytes(PAYLOAD_BYTES)
        start = time.process_time()
        packet = encoder.encode(payload)
        middle = time.process_time()
        signs = 1 - 2.0 * np.unpackbits(packet.data)
        variance = len(signs) / (2 * PAYLOAD_BITS * 10 ** (EB_N0_DB / 10))
        received = signs + rng.normal(0, np.sqrt(variance), len(signs))
        heard = Packet((2 * received / variance).astype(np.float32), packet.number)
        resumed = time.process_time()
        decoder.decode(heard)
        end = time.process_time()
        if number:  # the first one builds the tables
            coding += middle - start
            decoding += end - resumed
    note = f"encode {1000 * coding / FRAMES:.2f} ms; Eb/N0 {EB_N0_DB} dB; {FRAMES} frames"
    total = 1000 * (coding + decoding) / FRAMES
    return Figure("link encode and decode, profile half", total, "ms/frame", 10, note=note)


def sim_speed() -> Figure:
    """How many times faster than real time ``voicelink sim`` is, its start included."""
    import numpy as np
    import soundfile

    speech, rate = soundfile.read(SAMPLE)
    speech = np.tile(speech, REPEATS)
    seconds = len(speech) / rate
    with tempfile.TemporaryDirectory() as folder:
        said, heard = f"{folder}/said.wav", f"{folder}/heard.wav"
        soundfile.write(said, speech, rate)
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ("-m", "voicelink.link_sim.cli", "sim", said, heard)
        _python(*command, "--profile", "half", "--awgn", str(EB_N0_DB))
        wall, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    note = (
        f"{seconds:.0f} s of speech, Eb/N0 {EB_N0_DB} dB: {wall:.1f} s of wall time, {cpu:.1f} s of"
        " CPU, start and scores included"
    )
    return Figure("voicelink sim, profile half", seconds / wall, "x real time", 15, True, note)


def link_only_speed(profile: str, ebn0: float) -> Figure:
    """How many times faster than real time a sweep simulates the link alone, by CPU time.

    Everything counts: payloads, encoding, the channel, decoding, the receiver and the counting; the
    best of three runs, after one that builds the tables.
    """
    from voicelink.link_sim.sweeping.point import run_point
    from voicelink.link_sim.sweeping.sweep import Point
    from voicelink.models.card import DEFAULT

    def run(frames: int, replica: int) -> dict:
        channel = ({"awgn": {"ebn0_db": ebn0}},)
        settings = {"speech": "", "path": "", "channel": channel, "varied": {}, "buffer": 0.2}
        point = Point(profile, 1, DEFAULT, DEFAULT, replica=replica, frames=frames, **settings)
        return run_point(point).row

    run(64, 0)
    rows = [run(LINK_ONLY_FRAMES, replica) for replica in range(3)]
    fer = sum(row["failed"] for row in rows) / sum(row["frames"] for row in rows)
    note = f"{LINK_ONLY_FRAMES} superframes, best of 3; CPU time; FER {fer:.3f}"
    speed = max(row["times_real_time"] for row in rows)
    return Figure(_link_only(profile, ebn0), speed, "x real time", 500, True, note)


def _link_only(profile: str, ebn0: float) -> str:
    return f"link-only simulation, profile {profile} at {ebn0:g} dB"


def _python(*arguments: str) -> str:
    """What this Python prints, run with one thread. Raises RuntimeError where it fails."""
    done = subprocess.run(
        (sys.executable, *arguments),
        env=os.environ | _ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeError(lines[-1])
    return done.stdout


def figures() -> list[Figure]:
    """Every figure; one that cannot be measured says why in its note."""

    def tried(name: str, measure: Callable[[], Figure]) -> Figure:
        try:
            return measure()
        except Exception as error:  # one broken part must not hide the others' figures
            return Figure(name, None, "", note=f"failed: {type(error).__name__}: {error}")

    return [
        *codec_cpu(),
        tried("encode and decode: resident memory", codec_memory),
        tried("voicelink --help", help_time),
        tried("link encode and decode, profile half", link_time),
        tried("voicelink sim, profile half", sim_speed),
        *(tried(_link_only(*at), functools.partial(link_only_speed, *at)) for at in LINK_ONLY),
    ]


def main(argv: list[str] | None = None) -> int:
    """Print the figures as a table or as JSON."""
    parser = argparse.ArgumentParser(description="Speed and memory, beside Codec 2's.")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    args = parser.parse_args(argv)
    one_thread()
    show(figures(), args.json)
    return 0


def one_thread() -> None:
    """Keep numpy, which must not be imported yet, to one thread."""
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)


def show(results: list[Figure], as_json: bool = False) -> None:
    """Print figures as a table or as JSON."""
    if as_json:
        print(json.dumps([asdict(each) | {"met": each.met} for each in results], indent=2))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("what", "measured", "unit", "target", "met", "remark"):
        table.add_column(column, justify="right" if column in ("measured", "target") else "left")
    for each in results:
        table.add_row(
            each.name,
            "-" if each.value is None else f"{each.value:.3g}",
            each.unit,
            "" if each.target is None else f"{'>=' if each.least else '<='} {each.target:g}",
            {True: "yes", False: "NO", None: ""}[each.met],
            each.note,
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    sys.exit(main())
