"""`send --mic` and `receive --speaker`: sound cards, push-to-talk, and the radio on a card."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelink.link_sim.commands.streams import ended_by_signals
from voicelink.models.errors import ParameterError, one_of, require

if TYPE_CHECKING:
    import numpy as np

    from voicelink.blocks.ptt import Ptt
    from voicelink.blocks.transmitter import Transmitter

_SWITCHES = ("open", "key", "vox")
_LEAD, _TAIL = 0.3, 0.1
_FALL = 2.0  # dB that the meter falls from one look to the next
_SAFE = 0.25  # seconds in a radio's card: a gap costs a frame, a delay next to nothing
_LETTING_GO = 20.0  # seconds that an over may take to end, with a long text and spreading


def add_radio_options(parser: argparse.ArgumentParser, way: str) -> None:
    """Add ``--radio`` and ``--mode``."""
    parser.add_argument(
        "--radio",
        nargs="?",
        const="",
        metavar="DEVICE",
        help=f"{way} a transceiver on this sound card (its number or a part of its name; alone: the"
        " default one), in place of an address, with the modem in the audio band around 1500 Hz",
    )
    parser.add_argument("--mode", default="bpsk", help="of the modem (default %(default)s)")


def add_talk_options(parser: argparse.ArgumentParser) -> None:
    """Add what live speech and a transmitter need."""
    group = parser.add_argument_group("live", "`voicelink devices` lists the sound cards.")
    group.add_argument(
        "--mic", nargs="?", const="", metavar="DEVICE",
        help="speak into this sound card: its number or a part of its name; alone: the default one",
    )  # fmt: skip
    group.add_argument("--text", default="", help="short text that is shown at the other end")
    group.add_argument(
        "--ptt", default="open", metavar="open|key|vox",
        help="when to send from --mic: always (default), between presses of the space bar or Enter,"
        " or while somebody speaks",
    )  # fmt: skip
    group.add_argument(
        "--vox-level", type=float, default=-40, metavar="DBFS", help="for vox (default -40)"
    )
    group.add_argument(
        "--vox-hang", type=float, default=0.8, metavar="S",
        help="seconds that vox stays on in a pause (default 0.8)",
    )  # fmt: skip
    add_radio_options(group, "to")
    group.add_argument(
        "--level", type=float, default=-12, metavar="DBFS",
        help="of the signal to --radio; its peaks are 7 dB higher (default -12)",
    )  # fmt: skip
    group.add_argument("--rig", metavar="HOST[:PORT]", help="key the transmitter through rigctld")
    group.add_argument(
        "--serial", metavar="PORT[:rts|dtr]", help="key it by a line of a serial port"
    )
    group.add_argument(
        "--transmit", action="store_true",
        help="yes, transmit: --radio, --rig and --serial want it, and a --callsign",
    )  # fmt: skip
    group.add_argument(
        "--lead", type=float, metavar="S",
        help="seconds from keying to the first frame (default 0.3 with a radio or a line, else 0)",
    )  # fmt: skip
    group.add_argument(
        "--tail", type=float, metavar="S", help="and from the last one to letting go (default 0.1)"
    )
    group.add_argument(
        "--time-out", type=float, metavar="S",
        help="end an over after so long, until the switch is let go (default 180 where a"
        " transmitter is keyed, else none)",
    )  # fmt: skip


def add_listen_options(parser: argparse.ArgumentParser) -> None:
    """Add what live listening needs."""
    parser.add_argument(
        "--speaker", nargs="?", const="", metavar="DEVICE",
        help="to this sound card: its number or a part of its name; alone: the default one; over"
        " after over, until Ctrl-C",
    )  # fmt: skip
    add_radio_options(parser, "from")


def is_live(args: argparse.Namespace) -> bool:
    """Whether `send` speaks live, or keys a transmitter."""
    return any(x is not None for x in (args.mic, args.radio, args.rig, args.serial))


def radio_profile(args: argparse.Namespace, default: str) -> str:
    """The profile of the modem's mode, where ``--radio`` was given; else ``--profile``."""
    if args.radio is None:
        return args.profile
    from voicelink.blocks.modem import mode

    profile = mode(args.mode).profile
    if args.profile not in (default, profile):
        raise ParameterError(
            f"--profile must be {profile} with --mode {args.mode}, not {args.profile!r}"
        )
    return profile


def identifier_of(args: argparse.Namespace, profile: str):
    """What sends station frames: with a callsign or a text, in profiles that have them."""
    from voicelink.blocks.profile import profile as profile_of
    from voicelink.blocks.station import Identifier
    from voicelink.link_sim.commands.streams import payload_bits_of

    header = profile_of(profile).header
    if args.text and not header:
        raise ParameterError(f"--text needs a profile with a header, not {profile}")
    if not header or not (args.callsign or args.text):
        return None
    return Identifier(args.callsign, args.text, payload_bits_of(args) // 8)


def speak(args: argparse.Namespace, transmitter: Transmitter, audio: np.ndarray | None) -> int:
    """`send` with a microphone, a radio, or a line to key; ``audio`` is that of a file, if any."""
    from voicelink.blocks.level import LOWEST, Vox, dbfs
    from voicelink.blocks.ptt import WatchedPtt
    from voicelink.blocks.sound_card import SoundInput, find_device, sound_devices
    from voicelink.blocks.transmit import TIME_OUT, TimeOutTimer, permit
    from voicelink.link_sim.keyboard import KeySwitch
    from voicelink.link_sim.live_line import LiveLine, card_counts, talking
    from voicelink.link_sim.talk import BEFORE, Talker, Talking

    switch = one_of("--ptt", args.ptt, _SWITCHES)
    keys = args.radio is not None or args.rig or args.serial
    if keys:
        what = "--rig" if args.rig else "--serial" if args.serial else "--radio"
        permit(what, args.transmit, args.callsign, "--transmit")
    if args.rig and args.serial:
        raise ParameterError("--rig and --serial are two lines; give one")
    if audio is not None and switch != "open":
        raise ParameterError(f"--ptt {switch} goes with --mic")
    lead = require("--lead", (_LEAD if keys else 0) if args.lead is None else args.lead, 0, 5)
    tail = require("--tail", (_TAIL if keys else 0) if args.tail is None else args.tail, 0, 5)
    limit = (TIME_OUT if keys else None) if args.time_out is None else args.time_out
    timer = TimeOutTimer(limit if limit is None else require("--time-out", limit, 1, 600))
    vox = Vox(
        require("--vox-level", args.vox_level, -90, 0),
        require("--vox-hang", args.vox_hang, 0.02, 10),
    )
    if audio is None:
        # Before a receiver is waited for; opened only then, as what is said until then is not sent.
        find_device(args.mic, "input", sound_devices())
    with ExitStack() as stack:
        line = LiveLine()
        # Before the line is keyed, so that it is let go on the way out.
        sink = stack.enter_context(_sink(args, line.note))
        mic = source = None
        if audio is None:
            mic = source = stack.enter_context(SoundInput(args.mic, line.note))
            line.note(f"microphone: {mic.name}, {mic.rate} Hz")
        else:
            source = PacedAudio(audio)
        line.note(f"{transmitter.link.profile.name} at {sink.endpoint}")
        stop = stack.enter_context(_ended())
        keyboard = stack.enter_context(KeySwitch()) if switch == "key" else None
        if keyboard:
            line.note("space or Enter: speak, and again: listen; q: end")
        ptt = stack.enter_context(WatchedPtt(_line(args), note=line.note))
        before = BEFORE if switch == "vox" else 0.0
        talker = Talker(transmitter, sink, ptt, timer, lead, tail, line.note, before)
        stack.enter_context(line)
        level, asked = LOWEST, False
        while not stop():
            piece = source.read(0.02)
            if piece is None or (keyboard and keyboard.ended):
                break
            wanted = keyboard.look() if keyboard else vox.push(piece) or switch == "open"
            # Of a microphone that is gone nothing comes that could end an over.
            wanted = wanted and source.open
            asked = asked or wanted
            now = time.monotonic()
            talker.step(piece, wanted, now)
            level = max(dbfs(piece), level - _FALL) if len(piece) else level
            line.show(lambda level=level, now=now: talking(talker, level, timer.left(now), mic))
            # There is no switch to let go.
            if switch == "open" and talker.refused and talker.state is Talking.READY:
                break
        until = time.monotonic() + _LETTING_GO
        while not talker.end(time.monotonic()) and time.monotonic() < until:
            time.sleep(0.01)
    said = [f"{talker.sent} link frames sent", f"{talker.overs} overs"]
    said += [f"{sink.dropped} frames dropped"] if sink.dropped else []
    for card in (mic, getattr(sink, "card", None)):
        said += [f"{value} {name}" for name, value in card_counts(card).items() if value]
    print(f"voicelink: {', '.join(said)}", file=sys.stderr)
    return int(asked and not talker.overs)


def hear(args: argparse.Namespace) -> int:
    """`receive` with a loudspeaker."""
    from voicelink.blocks.receiver import Receiver
    from voicelink.blocks.sound_card import SoundOutput
    from voicelink.link_sim.listen import Listener
    from voicelink.link_sim.live_line import LiveLine, card_counts, listening

    if args.output != "-" or args.raw or args.fast:
        raise ParameterError("--speaker is where the sound goes: no file, --raw or --fast with it")
    receiver = Receiver(radio_profile(args, "auto"), args.model)
    with ExitStack() as stack:
        part = stack.enter_context(json_file(args.json))
        line = LiveLine()
        source = stack.enter_context(packet_source(args, line.note))
        speaker = stack.enter_context(SoundOutput(args.speaker, line.note))
        line.note(f"listening at {source.endpoint}; loudspeaker: {speaker.name}, {speaker.rate} Hz")
        stop = stack.enter_context(ended_by_signals())
        listener = Listener(
            receiver, source, speaker, args.buffer, max(args.idle, 0.32), note=line.note
        )
        cards = [speaker, getattr(source, "card", None)]
        end = time.monotonic() + (args.seconds if args.seconds is not None else 1e9)
        with line:
            while not stop() and time.monotonic() < end:
                listener.step()
                snr = getattr(source, "snr_db", None)
                line.show(lambda snr=snr: listening(listener, snr, cards))
        report(listener.as_dict() | card_counts(speaker), args.json, part)
    return 0


def report(counts: dict[str, Any], path: str | None, part: Path | None) -> None:
    """The counts at the end: as JSON to a file or standard output, or as a line.

    Args:
        counts: what there is to say.
        path: ``--json``.
        part: the file that was opened for it, if it is one.
    """
    text = json.dumps(counts, indent=2)
    if part:
        part.write_text(text + "\n", encoding="utf-8")
    if path == "-":
        print(text)
    else:
        line = ", ".join(f"{value} {name}" for name, value in counts.items() if value)
        print(f"voicelink: {line or 'nothing came'}", file=sys.stderr)


@contextmanager
def json_file(path: str | None) -> Iterator[Path | None]:
    """Opened before the work, so that a name that cannot be written costs no recording."""
    from voicelink.models.files import writing

    if path in (None, "-"):
        yield None
        return
    with writing(path) as part:
        yield part


class PacedAudio:
    """A recording that comes as if it were spoken now.

    Attributes:
        open: True, as of a sound card.
    """

    open = True

    def __init__(self, audio: np.ndarray) -> None:
        self._audio = audio
        self._began: float | None = None
        self._at = 0

    def read(self, timeout_s: float) -> np.ndarray | None:
        """What has been spoken since; None at the end."""
        from voicelink.models.sizes import SAMPLE_RATE

        if self._at >= len(self._audio):
            return None
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        time.sleep(timeout_s)
        until = round((time.monotonic() - self._began) * SAMPLE_RATE)
        piece, self._at = self._audio[self._at : until], max(self._at, until)
        return piece


@contextmanager
def packet_source(args: argparse.Namespace, note: Callable[[str], None]) -> Iterator[Any]:
    """Where packets come from: a socket, or a radio on a sound card."""
    from voicelink.link_sim.commands.sockets import open_receiver
    from voicelink.link_sim.commands.streams import payload_bits_of

    if args.radio is None:
        with open_receiver(args, bind=args.bind, others=True) as source:
            yield source
        return
    from voicelink.blocks.sound_card import SoundInput
    from voicelink.blocks.sound_radio import RadioSource

    with SoundInput(args.radio, note, latency=_SAFE) as card:
        yield RadioSource(card, args.mode, args.spread, payload_bits_of(args))


@contextmanager
def _sink(args: argparse.Namespace, note: Callable[[str], None]) -> Iterator[Any]:
    """Where packets go: a socket, or a radio on a sound card."""
    from voicelink.link_sim.commands.sockets import open_sender
    from voicelink.link_sim.commands.streams import payload_bits_of

    if args.radio is None:
        with open_sender(args, bind=args.bind) as sender:
            if args.wait and not sender.wait_for_peer(args.wait):
                note(f"no receiver came within {args.wait:g} s; sending all the same")
            yield _SocketSink(sender)
        return
    from voicelink.blocks.sound_card import SoundOutput
    from voicelink.blocks.sound_radio import RadioSink

    with SoundOutput(args.radio, note, latency=_SAFE) as card:
        level = require("--level", args.level, -60, -3)
        yield RadioSink(card, args.mode, args.spread, level, payload_bits_of(args))


class _SocketSink:
    """A socket as a `Talker` wants it: nothing waits in it, and it is never gone."""

    waiting, open = 0.0, True

    def __init__(self, sender) -> None:
        self._sender = sender
        self.endpoint = sender.endpoint

    @property
    def dropped(self) -> int:
        return self._sender.dropped

    def begin(self, silence: float) -> None:
        pass

    def send(self, packet) -> None:
        # A receiver that is slow for a moment must not hold up the microphone.
        self._sender.send(packet, timeout_s=0.0)

    def finish(self) -> None:
        pass


def _line(args: argparse.Namespace) -> Ptt:
    if args.rig:
        from voicelink.blocks.rigctld import RigPtt

        return RigPtt(args.rig)
    if args.serial:
        from voicelink.blocks.serial_ptt import SerialPtt

        return SerialPtt(args.serial)
    from voicelink.blocks.ptt import Ptt

    return Ptt()


@contextmanager
def _ended() -> Iterator[Callable[[], bool]]:
    """As `ended_by_signals`, but every signal that ends programs lets go of the transmitter.

    Also the one that stops them, as a program that is stopped cannot.
    """

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    names = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
    before = {number: signal.signal(number, leave) for number in names}
    try:
        with ended_by_signals() as ended:
            yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
