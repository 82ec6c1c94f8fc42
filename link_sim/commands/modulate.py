"""``voicelink modulate``: speech to a signal for the air."""

from __future__ import annotations

import argparse

HELP = "speech file to the modem's signal: audio, SigMF or raw I/Q"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.signal_options import add_mode_options
    from voicelink.link_sim.commands.streams import add_model_option, add_voice_option

    parser.add_argument("input", help="audio file, or - for standard input")
    add_output_options(parser)
    add_mode_options(parser)
    add_model_option(parser)
    add_voice_option(parser)
    parser.add_argument(
        "--callsign",
        default="",
        help="up to 9 characters that identify the sender: in each frame a piece of it, and whole"
        " before and behind the speech",
    )
    parser.add_argument("--text", default="", help="a short text to be read at the other end")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Where a signal goes, and how it is written."""
    parser.add_argument(
        "output",
        help="signal: .wav, .flac (passband around 1500 Hz; with --iq I/Q in two channels),"
        " .sigmf-meta, .cf32, .cs16, .cs8, .cu8, or - for standard output",
    )
    parser.add_argument("--iq", action="store_true", help="an audio file of I/Q, in two channels")
    parser.add_argument(
        "--rate", type=float, default=8000.0, metavar="HZ", help="samples/s (default 8000)"
    )
    parser.add_argument(
        "--format", help="of samples, where the ending does not say it: cf32, cs16, cs8, cu8..."
    )
    parser.add_argument(
        "--level",
        type=float,
        default=-12.0,
        metavar="DB",
        help="r.m.s. while sending, of full scale (default -12: no peak is cut)",
    )


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.audio import read_audio
    from voicelink.blocks.modem import mode
    from voicelink.blocks.station import Identifier
    from voicelink.blocks.transmitter import Transmitter
    from voicelink.link_sim.commands.streams import note, payload_bits_of, voice_of_option
    from voicelink.models.files import check_apart
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    profile = mode(args.mode).profile
    size = payload_bits_of(args) // 8
    wanted = args.callsign or args.text
    identifier = Identifier(args.callsign, args.text, size) if wanted else None
    voice = voice_of_option(args)
    transmitter = Transmitter(profile, args.model, args.callsign, args.spread, identifier, voice)
    check_output(args)
    check_apart([args.output], [args.input, args.voice])
    audio = read_audio(args.input, note)

    def packets():
        # Not all at once: a long file takes a while to encode.
        for start in range(0, len(audio), SUPERFRAME_SAMPLES):
            yield transmitter.send(audio[start : start + SUPERFRAME_SAMPLES])
        yield transmitter.finish()

    return write_over(args, packets())


def check_output(args: argparse.Namespace) -> None:
    """Refuse what cannot be written, before the work."""
    is_real(args)


def is_real(args: argparse.Namespace) -> bool:
    """Whether a passband signal is written."""
    from voicelink.link_sim.field.signals import output_kind
    from voicelink.models.errors import ParameterError

    real, _ = output_kind(args.output, args.format)
    if args.iq and real:
        raise ParameterError(f"--iq: real samples ({args.format or args.output}) hold no I/Q")
    return not args.iq if real is None else real


def write_over(args: argparse.Namespace, packets) -> int:
    """Write the signal of an over."""
    import sys

    from voicelink.link_sim.commands.signal_options import mode_of, noted
    from voicelink.link_sim.commands.streams import note, payload_bits_of
    from voicelink.link_sim.field.sending import SignalMaker
    from voicelink.link_sim.field.signals import signal_writer

    real = is_real(args)
    bits = payload_bits_of(args)
    maker = SignalMaker(args.rate, real, args.mode, args.spread, args.offset, args.level, bits)
    settings = noted(mode_of(args, {}))
    count = 0
    with signal_writer(args.output, args.rate, real, args.format, settings) as write:
        for samples in maker.over(packets):
            write(samples)
            count += len(samples)
    if maker.clipped:
        note(f"{maker.clipped} samples were beyond full scale and cut: a lower --level is needed")
    if not args.callsign:
        note("nothing in it says who sends: before it goes on the air, it needs --callsign")
    width = maker.mode.layout(args.spread, bits).bandwidth
    where = f"around {1500 + args.offset:g} Hz" if real else f"I/Q, offset {args.offset:g} Hz"
    print(
        f"voicelink: {count / args.rate:.2f} s at {args.rate:g} samples/s, {where},"
        f" {width:.0f} Hz wide",
        file=sys.stderr,
    )
    return 0
