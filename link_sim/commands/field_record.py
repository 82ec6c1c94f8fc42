"""``voicelink field record``: a live signal to a SigMF recording, a log, and speech."""

from __future__ import annotations

import argparse
import sys

HELP = "record a live signal as SigMF, while it is received and heard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.signal_options import (
        add_listener_options,
        add_mode_options,
        add_speaker_option,
    )
    from voicelink.link_sim.commands.sockets import add_end_options, add_socket_options

    parser.add_argument("recording", help="name of the recording: makes .sigmf-data, .sigmf-meta")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FROM",
        default="-",
        help="soapy:driver=rtlsdr (any SoapySDR device string), sound or sound:NAME, tcp://... (as"
        " GNU Radio's ZMQ PUB Sink sends with tags off), or - (default): standard input",
    )
    parser.add_argument(
        "--rate",
        type=float,
        metavar="HZ",
        help="samples/s; default: soapy 250000, sound 48000; pipes and ZeroMQ need it",
    )
    parser.add_argument(
        "--format",
        help="of samples from a pipe or ZeroMQ: cf32 (default), cs16, cs8, cu8; s16 and f32 are"
        " a passband signal around 1500 Hz",
    )
    parser.add_argument(
        "--frequency", type=float, metavar="HZ", help="of the signal's middle; soapy needs it"
    )
    parser.add_argument("--gain", type=float, metavar="DB", help="of a device; default: automatic")
    parser.add_argument("--ppm", type=float, help="frequency correction of a device")
    parser.add_argument("--antenna", metavar="NAME", help="of a device")
    parser.add_argument("--iq", action="store_true", help="the sound card has I and Q, in stereo")
    add_mode_options(parser, found=True)
    add_listener_options(parser)
    parser.add_argument("--heard", metavar="FILE", help="write what is heard to an audio file")
    add_speaker_option(parser)
    parser.add_argument(
        "--log", metavar="FILE", help="a line of JSON for each frame (default RECORDING.jsonl)"
    )
    parser.add_argument(
        "--position", metavar="LAT,LON", help="where this is, in degrees, for recording and log"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so much of signal")
    parser.add_argument("--quiet", action="store_true", help="do not say every frame")
    add_socket_options(parser)
    add_end_options(parser, binds=False)


def run(args: argparse.Namespace) -> int:
    from contextlib import ExitStack

    from voicelink.blocks.audio import audio_writer, check_audio_name
    from voicelink.link_sim.commands.signal_options import listener_for, loudspeaker, mode_of, noted
    from voicelink.link_sim.commands.sockets import made_keys
    from voicelink.link_sim.commands.streams import ended_by_signals
    from voicelink.link_sim.field.feed import Feed
    from voicelink.link_sim.field.heard import Heard
    from voicelink.link_sim.field.log import FrameLog
    from voicelink.link_sim.field.recorder import LineFile, Recorder, as_long_as_it_goes
    from voicelink.link_sim.field.writer import RecordingWriter, check_new
    from voicelink.link_sim.other_model import of_another_model
    from voicelink.models.errors import ParameterError, require

    if made_keys(args):
        return 0
    data, _ = check_new(args.recording)
    position = _position(args.position)
    if args.seconds is not None:
        require("--seconds", args.seconds, 0, 1e9)
    if args.testframes and (args.heard or args.speaker is not None):
        raise ParameterError("--testframes are no speech: nothing can be heard of them")
    if args.heard:
        check_audio_name(args.heard)
    if args.offset is None and args.source.startswith("soapy:"):
        # Beside the spike that cheap receivers have in the middle.
        args.offset = (args.rate or SOAPY_RATE) / 8
    source = _source(args)
    settings = noted(mode_of(args, {}))
    with ExitStack() as stack:
        feed = stack.enter_context(Feed(source))
        tap = stack.enter_context(loudspeaker(args, {}, _say))
        real, speech = not source.format.complex, bool(args.heard)
        listener = listener_for(args, source.rate, real, {}, speech, tap)
        lines = LineFile(args.log or data.with_suffix(".jsonl"), _say)
        stack.callback(lines.close)
        writer = stack.enter_context(
            RecordingWriter(
                data, source.format, source.rate, settings, _say, source.hardware, position,
                source.frequency,
            )
        )  # fmt: skip
        log = FrameLog(lines.write, source.rate, settings | {"source": source.hardware}, position)
        hear = []
        if args.heard:
            write = stack.enter_context(audio_writer(args.heard))
            write = as_long_as_it_goes(write, f"the audio file {args.heard}", _say)
            hear.append(Heard(write, listener.skip).add)
        stop = stack.enter_context(ended_by_signals())
        _say(f"recording {source.hardware}, {source.rate:g} samples/s, to {writer.data}")
        Recorder(writer, listener, log, _say, tuple(hear), args.quiet).run(feed, args.seconds, stop)
    _say(f"{writer.samples / source.rate:.1f} s; {log.summary()}")
    if args.testframes:
        _say(log.bit_errors.summary())
    if listener.stranger is not None:
        _say(of_another_model(listener.stranger))
    return 0


SOAPY_RATE = 250_000.0
"""Samples/s that an RTL-SDR has, and most others."""

SOUND_RATE = 48_000.0


def _say(text: str) -> None:
    print(f"voicelink: {text}", file=sys.stderr, flush=True)


def _source(args: argparse.Namespace):
    """What ``--from`` names."""
    from voicelink.link_sim.field.baseband import check_rate
    from voicelink.link_sim.field.samples import SampleFormat
    from voicelink.models.errors import ParameterError

    kind, _, rest = args.source.partition(":")
    if args.rate is not None:
        check_rate(args.rate, "--rate")
    if kind in ("soapy", "sound") and args.format is not None:
        raise ParameterError(f"--format is not for {kind}, whose samples are as they come")
    if kind == "soapy":
        from voicelink.link_sim.field.soapy import SoapySource

        if args.frequency is None:
            raise ParameterError("--frequency must give the frequency of the signal in Hz")
        return SoapySource(
            rest, args.rate or SOAPY_RATE, args.frequency, args.offset, args.gain, args.ppm,
            args.antenna,
        )  # fmt: skip
    if kind == "sound":
        from voicelink.link_sim.field.sound import SoundSource

        return SoundSource(rest, args.rate or SOUND_RATE, args.iq, args.frequency)
    form = SampleFormat.of(args.format or "cf32")
    if args.rate is None:
        raise ParameterError("--rate must give the samples/s of what comes")
    if args.source == "-":
        from voicelink.link_sim.field.sources import PipeSource

        return PipeSource(form, args.rate, args.frequency)
    from voicelink.link_sim.commands.sockets import zeromq_settings
    from voicelink.link_sim.field.sources import ZmqSource

    return ZmqSource(args.source, form, args.rate, args.frequency, **zeromq_settings(args))


def _position(text: str | None) -> tuple[float, float] | None:
    from voicelink.models.errors import ParameterError, require

    if text is None:
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(
            f"--position must be LAT,LON in degrees, as 52.52,13.40, not {text!r:.40}"
        ) from None
    require("--position's latitude", latitude, -90, 90)
    require("--position's longitude", longitude, -180, 180)
    return latitude, longitude
