"""A week of overs in one process, every frame accounted for: ``python -m
voicelink.link_sim.endurance``.

One receiver and one demodulator live through all of it, as in a station that is never switched off.
The speech codec is left out. Every over meets another channel, from a clear one to one that hardly
lets anything through; every tenth is clear, and has to come out whole, whatever came before it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import numpy as np

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.status import Status
from voicelink.link_sim.channels import ChannelChain, channels_from
from voicelink.link_sim.simulation import TICK, start_time, through
from voicelink.models.errors import require
from voicelink.models.sizes import PAYLOAD_BYTES, SUPERFRAME_SECONDS

WEEK = round(7 * 24 * 3600 / SUPERFRAME_SECONDS)
"""Superframes of a week: 1.89 million."""

PROFILES = ("checked", "checked", "half", "checked", "third", "checked")
"""One over after the other."""

CLEAR_EVERY = 10
"""Overs from one that nothing is done to, to the next. Every profile comes at an even number: all
have some of these."""

GROWTH_MB = 20.0
"""Growth of memory that is one."""

BUFFER = 0.5  # seconds that the receiver waits for stragglers
SETTLED = 0.1
"""Share of the run after which memory is expected not to grow."""

_CALLSIGNS = ("", "DL1ABC", "VK2XYZ/P")
_GAPS = {"channel": "lost by the channel", "late": "too late", "failed": "beyond repair"}


@dataclass
class Account:
    """What became of everything.

    Attributes:
        superframes, overs: sent.
        statuses: superframes given out, by status.
        gaps: concealed superframes by their cause: ``channel`` lost the packet, it came ``late``,
            or error correction ``failed``.
        packets: sent, copies made on the way, lost on it, received; and of the received ones late,
            duplicate and of use.
        undetected: frames whose CRC was right and whose payload was not.
        clear, spoilt: overs over a clear channel; of them those that were not whole.
        wrong: sums that did not agree; there must be none.
        modem: the same of the packets that went by radio: sent, found, strays; overs and, of the
            clear ones, those with bursts missing.
        seconds: CPU.
        settled_mb, end_mb: resident memory when settled and in the end.
    """

    superframes: int = 0
    overs: int = 0
    statuses: Counter = field(default_factory=Counter)
    gaps: Counter = field(default_factory=Counter)
    packets: Counter = field(default_factory=Counter)
    undetected: int = 0
    clear: int = 0
    spoilt: int = 0
    wrong: list[str] = field(default_factory=list)
    modem: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    settled_mb: float = math.nan
    end_mb: float = math.nan

    @property
    def growth_mb(self) -> float:
        """By how much memory grew since it was expected not to."""
        return self.end_mb - self.settled_mb

    @property
    def good(self) -> bool:
        """Whether all sums agree, every clear over came out whole, and memory did not grow."""
        wrong = self.wrong or self.spoilt or self.modem["spoilt"]
        return not wrong and not self.growth_mb > GROWTH_MB


def run(
    superframes: int = WEEK,
    modem_share: float = 0.005,
    seed: int = 0,
    progress: Callable[[Account], object] = lambda account: None,
) -> Account:
    """Send, spoil, receive and count.

    Args:
        superframes: at least so many, in whole overs.
        modem_share: of the overs that go through modulator, radio path and demodulator as well.
        seed: of everything.
        progress: called after every over.

    Raises:
        ParameterError: a number is out of range.
    """
    require("superframes", superframes, 1)
    require("modem_share", modem_share, 0, 1)
    account, random = Account(), np.random.default_rng(seed)
    ends = {profile: _End(profile) for profile in set(PROFILES)}
    radio = _Radio(seed) if modem_share else None
    start, due = time.process_time(), 0.0
    for number in itertools.count():
        due += modem_share
        if due >= 1 and radio:
            due -= 1
            radio.over(random, account)
        else:
            ends[PROFILES[number % len(PROFILES)]].over(number, random, account)
        if math.isnan(account.settled_mb) and account.superframes >= SETTLED * superframes:
            account.settled_mb = memory_mb()
        account.seconds, account.end_mb = time.process_time() - start, memory_mb()
        progress(account)
        if account.superframes >= superframes:
            return account


def memory_mb() -> float:
    """Resident memory of this process in MB, the greatest so far where only that is known."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def bad_channel(random: np.random.Generator, profile: str) -> list:
    """Some channel, as `channels_from` takes it."""
    links: list = []
    if random.random() < 0.7:
        loss, burst = random.choice([0.01, 0.1, 0.4]), random.choice([1.0, 3.0, 10.0])
        links.append({"gilbert-elliott": {"loss": float(loss), "burst": float(burst)}})
    if random.random() < 0.3:
        links.append({"duplicate": {"probability": 0.1, "delay": 0.1}})
    if random.random() < 0.3:
        links.append({"reorder": {"probability": 0.05}})
    if random.random() < 0.3:
        links.append({"jitter": {"deviation": 0.2, "distribution": "exponential"}})
    if profile == "checked":
        links.append({"bit-errors": {"rate": float(random.choice([0.0, 1e-4, 1e-2]))}})
    elif random.random() < 0.5:
        links.append({"awgn": {"ebn0_db": float(random.uniform(1, 8))}})
    return links


class _End:
    """The receiver of one profile, for as long as the run lasts."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.receiver = Receiver(profile, first=0, follow=False, speech=False)

    def over(self, number: int, random: np.random.Generator, account: Account) -> None:
        length = int(random.integers(1, 120))
        payloads = random.integers(0, 256, (length, PAYLOAD_BYTES), np.uint8)
        clear = number % CLEAR_EVERY == 0
        spec = [] if clear else bad_channel(random, self.profile)
        chain = ChannelChain(channels_from(spec), int(random.integers(2**31)))
        callsign = _CALLSIGNS[number % len(_CALLSIGNS)]
        before = self.receiver.counts.as_dict()
        packets = list(_packets(payloads, self.profile, callsign))
        arrivals = through(chain, packets)
        start = start_time(arrivals, BUFFER)
        in_time = {p.number for t, p in arrivals if t <= _deadline(start, p.number)}
        came = {p.number for _, p in arrivals}
        statuses = self._listen(arrivals, payloads, start, account)
        counts = self.receiver.counts.as_dict()
        self.receiver.reset()

        gaps = Counter(
            "channel" if k not in came else "late" if k not in in_time else "failed"
            for k, status in enumerate(statuses)
            if status is Status.CONCEALED
        )
        account.overs += 1
        account.superframes += length
        account.statuses.update(status.value for status in statuses)
        account.gaps += gaps
        account.clear += clear
        account.spoilt += clear and set(statuses) != {Status.CLEAN}
        _balance(account, number, packets, arrivals, chain, before, counts, statuses)

    def _listen(self, arrivals, payloads, start, account) -> list[Status]:
        at, statuses = 0, []
        for k in range(len(payloads)):
            while at < len(arrivals) and arrivals[at][0] <= _deadline(start, k):
                self._take(arrivals[at][1], payloads, account)
                at += 1
            statuses.append(self.receiver.pull().status)
        for _, packet in arrivals[at:]:
            self._take(packet, payloads, account)
        return statuses

    def _take(self, packet: Packet, payloads: np.ndarray, account: Account) -> None:
        # By the header alone, as over a radio.
        for frame, number in self.receiver.decode(Packet(packet.data)):
            self.receiver.accept(frame, number)
            if frame.header is not None:
                said = np.packbits(frame.payload_llr < 0)
                account.undetected += not np.array_equal(said, payloads[packet.number])


def _deadline(start: float, number: int) -> float:
    return start + number * SUPERFRAME_SECONDS + TICK


def _packets(payloads: np.ndarray, profile: str, callsign: str) -> Iterator[Packet]:
    encoder = LinkEncoder(profile, callsign=callsign)
    for number, payload in enumerate(payloads, 1):
        yield encoder.encode(payload.tobytes(), end=number == len(payloads))


def _balance(account, over, packets, arrivals, chain, before, counts, statuses) -> None:
    """Count packets, and note sums that do not agree."""
    stats = chain.stats()
    lost = sum(stage["lost"] for stage in stats)
    copies = sum(stage.get("copies", 0) for stage in stats)
    moved = {key: counts[key] - before[key] for key in counts}
    given = sum(moved[status.value] for status in Status)
    refused = moved["late"] + moved["duplicate"] + moved["malformed"] + moved["foreign"]
    account.packets.update(
        sent=len(packets), copies=copies, lost=lost, received=moved["received"],
        late=moved["late"], duplicate=moved["duplicate"], malformed=moved["malformed"],
        foreign=moved["foreign"], used=moved["received"] - refused,
    )  # fmt: skip
    sums = {
        "sent + copies = lost + arrived": (len(packets) + copies, lost + len(arrivals)),
        "arrived = received": (len(arrivals), moved["received"]),
        "superframes = given out": (len(packets), given),
        "given out by status": (len(statuses), given),
    }
    for name, (left, right) in sums.items():
        if left != right:
            account.wrong.append(f"over {over}: {name}: {left} and {right}")


class _Radio:
    """A modem that is never switched off."""

    def __init__(self, seed: int) -> None:
        from voicelink.link_sim.iq import Noise
        from voicelink.link_sim.modem.air import Air

        self._noise = Noise(snr_db=0)
        self._air = Air("bpsk", effects=[self._noise], seed=seed)
        self._receiver = Receiver("half", first=0, follow=False, speech=False)
        self._overs = 0

    def over(self, random: np.random.Generator, account: Account) -> None:
        length = int(random.integers(1, 60))
        clear = self._overs % CLEAR_EVERY == 0
        self._overs += 1
        self._noise.snr_db = 10.0 if clear else float(random.uniform(-12, 8))
        payloads = random.integers(0, 256, (length, PAYLOAD_BYTES), np.uint8)
        first = self._air.sent
        heard = self._air.pause(float(random.uniform(0.1, 3)))
        for packet in _packets(payloads, "half", "DL1ABC"):
            heard += self._air.send(packet)
        heard += self._air.pause(0.5)
        bursts = {
            number - first: burst
            for number, burst in heard
            if number is not None and number >= first
        }
        strays = sum(number is None for number, _ in heard)
        statuses = []
        for k in range(length):
            if k in bursts:
                account.undetected += self._wrong(bursts[k].packet, payloads[k])
            statuses.append(self._receiver.pull().status)
        self._receiver.reset()
        account.overs += 1
        account.superframes += length
        account.statuses.update(status.value for status in statuses)
        account.gaps.update(
            "failed" if k in bursts else "channel"
            for k, status in enumerate(statuses)
            if status is Status.CONCEALED
        )
        account.packets.update(
            sent=length, lost=length - len(bursts), received=len(bursts), used=len(bursts)
        )
        spoilt = clear and not set(statuses) <= {Status.CLEAN, Status.CORRECTED}
        account.modem.update(
            overs=1, sent=length, found=len(bursts), strays=strays, clear=clear, spoilt=spoilt
        )

    def _wrong(self, packet: Packet, payload: np.ndarray) -> bool:
        wrong = False
        for frame, number in self._receiver.decode(packet):
            self._receiver.accept(frame, number)
            if frame.header is not None:
                wrong = not np.array_equal(np.packbits(frame.payload_llr < 0), payload)
        return wrong


def report(account: Account) -> str:
    """The account in words."""
    hours = account.superframes * SUPERFRAME_SECONDS / 3600
    by_cause = ", ".join(f"{account.gaps[key]} {words}" for key, words in _GAPS.items())
    packets, modem = account.packets, account.modem
    lines = [
        f"{account.superframes} superframes, {hours:.1f} h, in {account.overs} overs:"
        f" {account.seconds:.0f} s of CPU",
        "given out: " + ", ".join(f"{account.statuses[s.value]} {s.value}" for s in Status),
        f"concealed: {by_cause}",
        f"packets: {packets['sent']} sent + {packets['copies']} copies ="
        f" {packets['lost']} lost + {packets['received']} received;"
        f" of these {packets['late']} late, {packets['duplicate']} double, {packets['used']} used",
        f"CRC right and payload wrong: {account.undetected}",
        f"clear overs: {account.clear}, of them not whole {account.spoilt}",
        f"by radio: {modem['sent']} bursts in {modem['overs']} overs, {modem['found']} found,"
        f" {modem['strays']} where none was; of {modem['clear']} clear overs"
        f" {modem['spoilt']} not whole",
        f"memory: {account.settled_mb:.1f} MB settled, {account.end_mb:.1f} MB at the end",
        "sums: " + ("all agree" if not account.wrong else "; ".join(account.wrong[:5])),
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run it and print the account; the exit status is 1 if something was not accounted for."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.link_sim.endurance", description=__doc__
    )
    parser.add_argument(
        "--superframes", type=int, default=WEEK, help=f"how many (default: a week, {WEEK})"
    )
    parser.add_argument(
        "--modem-share", type=float, default=0.005, help="of the overs, by radio (default: 0.005)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="a JSON object instead of words")
    args = parser.parse_args(argv)
    shown = 0

    def progress(account: Account) -> None:
        nonlocal shown
        done = 20 * account.superframes // args.superframes
        if done > shown:
            shown = done
            print(
                f"{5 * done} %: {account.superframes} superframes, {account.seconds:.0f} s of CPU,"
                f" {account.end_mb:.1f} MB, {len(account.wrong)} sums wrong",
                file=sys.stderr, flush=True,
            )  # fmt: skip

    account = run(args.superframes, args.modem_share, args.seed, progress)
    print(json.dumps(asdict(account), indent=2) if args.json else report(account))
    return 0 if account.good else 1


if __name__ == "__main__":
    sys.exit(main())
