"""What `demodulate` and `field replay` have in common: a signal from a file, heard and logged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voicelink.blocks.packet import Packet
    from voicelink.link_sim.field.signals import Signal


def listen(
    args: argparse.Namespace,
    signal: Signal,
    pace: Callable[[int], object] = lambda _: None,
    note: Callable[[dict[str, Any]], object] = lambda _: None,
    tap: Callable[[Packet], object] = lambda _: None,
) -> int:
    """Write what is heard of a signal, and a line for each frame, and say what there was.

    Args:
        args: the options of the verb.
        signal: what `open_signal` gave.
        pace: called with the count of each piece of samples before it is listened to.
        note: called with what the line of each frame says.
        tap: called with each packet as soon as it is found.
    """
    from voicelink.blocks.audio import audio_writer, check_audio_name
    from voicelink.blocks.receiver import WHOLE
    from voicelink.link_sim.commands.signal_options import listener_for, mode_of, noted
    from voicelink.link_sim.commands.streams import ended_by_signals
    from voicelink.link_sim.commands.streams import note as say
    from voicelink.link_sim.field.heard import Heard
    from voicelink.link_sim.field.hearing import hear
    from voicelink.link_sim.field.log import FrameLog
    from voicelink.link_sim.other_model import check_ours, of_another_model
    from voicelink.models.errors import FormatError, ParameterError
    from voicelink.models.files import check_apart

    if args.heard == "-" and args.json == "-":
        raise ParameterError("--json must name a file where the audio goes to standard output")
    if args.heard is not None:
        if args.testframes:
            raise ParameterError("--testframes are no speech: no audio file can be written")
        check_audio_name(args.heard)
    check_apart([args.heard, args.json], _files(args.input))
    listener = listener_for(args, signal.rate, signal.real, signal.settings, bool(args.heard), tap)
    about = noted(mode_of(args, signal.settings)) | {"source": args.input}
    callsigns: dict[str, None] = {}
    text = ""
    with ExitStack() as stack:
        write = stack.enter_context(_lines(args.json)) if args.json else None
        log = FrameLog(write, signal.rate, about)
        heard, frames = None, 0
        if args.heard is not None:
            heard = Heard(stack.enter_context(audio_writer(args.heard)), listener.skip)
        # What was heard until then is kept when the program is told to end.
        stop = stack.enter_context(ended_by_signals())
        for capture, frame in hear(signal, listener, pace, stop):
            frames += 1
            note(log.add(frame, capture.start, capture.time))
            if frame.callsign:
                callsigns[frame.callsign] = None
            text = frame.text or text
            if heard is not None:
                heard.add(frame)
        if heard is not None and not frames:
            # What an output of that name held before stays.
            raise FormatError(
                f"no frame was found in {args.input}: it must hold the modem's signal, in audio"
                " around 1500 Hz, of the sender's --mode, --spread and --model"
            )
        if heard is not None:
            check_ours(listener.stranger, sum(log.statuses[status.value] for status in WHOLE))
    said = log.summary() + (f"; {', '.join(callsigns)}" if callsigns else "")
    said += f"; {text!r}" if text else ""
    if args.testframes:
        said += "; " + log.bit_errors.summary()
    print(f"voicelink: {said}", file=sys.stderr)
    if listener.stranger is not None:
        say(of_another_model(listener.stranger))
    return 0


def _files(path: str) -> list[str | Path]:
    """The files that a signal is read from, by the name that `open_signal` was given."""
    from voicelink.link_sim.field.recording import file_names, read_recording
    from voicelink.link_sim.field.signals import SIGMF

    if Path(path).suffix.lower() not in SIGMF:
        return [path]
    # Its metadata may name any file for the samples.
    return [path, *file_names(path), read_recording(path).data]


@contextmanager
def _lines(path: str) -> Iterator[Callable[[str], None]]:
    from voicelink.link_sim.commands.streams import open_output

    with open_output(path) as file:
        yield lambda line: file.write(line.encode() + b"\n")
