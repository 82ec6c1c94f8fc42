"""Finds link frames in an unsynchronised stream of soft symbols.

Every frame follows a sync word (FORMAT.md, "Bit stream"). The stream is compared with it at every
symbol (correlation.py); what noise alone would do once in a stated number of symbols is what the
thresholds come from, so that they hold for any level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.correlation import correlation_threshold, sync_correlation
from voicelink.blocks.header import FORMAT_VERSION
from voicelink.blocks.link import LinkDecoder, LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import Profile, profile
from voicelink.blocks.snr import decibels, symbol_statistics
from voicelink.blocks.spread import LABEL_BITS, check_depth
from voicelink.blocks.sync_word import SYNC_BITS, SYNC_SYMBOLS
from voicelink.models.errors import ParameterError, require
from voicelink.models.sizes import PAYLOAD_BITS

FALSE_LOCK = 1e-11
"""Probability for each symbol of noise that a correlation alone locks: 4e-4 in an hour of the
fastest profile, all four tests counted."""

WORDS = 4
"""The tests are made on one frame's sync word and on the mean over two, three and four in a row."""

CANDIDATE = 1e-4
"""Probability for each symbol of noise that a link frame is tried there, for its CRC to lock."""

CONFIRM = 1e-3
"""Probability for each frame of noise that it keeps up a lock."""

SLIP = 1e-5
"""Probability at each place near the expected one that noise moves a lock there."""

SQUELCH = 0.1
"""Share of noise whose correlation would pass as a frame's, half of it in the lock's polarity: a
locked frame that is under this, and whose CRC is wrong, is not given out; nor are those after it,
until one reaches `CONFIRM`."""

_CLEARER = 0.25  # by how much a slip's correlation must beat that of the expected place
_CLICK = 5.0  # symbols further out than this many medians are clicks, not noise
_LIMIT = 2.5  # and LLRs are no larger than there
_LARGEST = 1e30  # keeps squares finite
_BLOCK = 1 << 17  # symbols worked on at a time


@dataclass(frozen=True, slots=True)
class SyncedFrame:
    """One link frame out of the stream.

    Attributes:
        packet: float32 LLRs of the link frame, with the superframe's number: modulo 256 the
            header's sequence, counted on by position in the stream; None until a header told it.
            Without headers (profile plain) it counts from 0 at the first frame found.
        ebn0_db: estimated Eb/N0 for each payload bit, the sync word's energy not counted.
        inverted: whether the stream's polarity is inverted; the LLRs are put right.
        position: index in the stream of the first symbol of its sync word.
    """

    packet: Packet
    ebn0_db: float
    inverted: bool
    position: int


@dataclass(slots=True)
class _Lock:
    """Where the next frame is expected."""

    position: int
    polarity: int
    missed: int = 0  # frames in a row that nothing confirmed
    silent: bool = False  # whether the last one was not given out
    expected: _Found | None = None  # the frame there, once it is complete


@dataclass(slots=True)
class _Found:
    """A frame at a place of the stream, estimated and, where there is a CRC, decoded."""

    position: int
    polarity: int
    correlation: float  # positive where it fits
    llr: np.ndarray
    ebn0_db: float
    frame: LinkFrame | None

    @property
    def certain(self) -> bool:
        """Whether its CRC, and parity checks where there are any, say that it is a link frame."""
        header = self.frame.header if self.frame else None
        return header is not None and header.version == FORMAT_VERSION


class FrameSync:
    """Soft symbols in, link frames out.

    Not locked, it locks on one correlation that noise all but never reaches (`FALSE_LOCK`); on a
    lower one (`CANDIDATE`) where the link frame's CRC is right; or on the mean of two, three or
    four at the distance of a frame. The frames that such a mean was taken over are given out too.

    Locked, it expects a frame after each, or up to ``slip`` symbols off, in either polarity. It
    holds on for ``hold`` frames in a row that nothing confirms, as in a fade, giving out only those
    in which a sync word shows (`SQUELCH`), while it looks for a better place. It lets go after
    them, or after a frame that ends the over.

    Args:
        profile: name of the link profile.
        hold: frames without confirmation that a lock survives, 0 to 1000.
        slip: symbols, either way, by which a frame may be off its expected place, 0 to 8.
        spread: packets that the sender spreads each frame over, 1, 2, 4, 8 or 16. Spread ones are
            found by their sync words alone, as nothing else can be told from a single packet.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        profile: the `Profile`.
        period: symbols from one frame to the next, sync word included.

    Raises:
        ParameterError: no such profile or payload, or a number out of range.

    >>> from voicelink.blocks.link import LinkEncoder
    >>> from voicelink.blocks.sync_word import stream_frame
    >>> data = stream_frame(LinkEncoder("half").encode(bytes(32)).data.tobytes(), True, True, 4, 4)
    >>> symbols = 1 - 2.0 * np.unpackbits(np.frombuffer(data, np.uint8))
    >>> [found] = FrameSync("half").push(0.5 - 3 * symbols)
    >>> found.packet.bits, found.packet.number, found.inverted, found.position
    (592, 0, True, 32)
    """

    def __init__(
        self,
        profile: str | Profile = "half",
        hold: int = 8,
        slip: int = 2,
        spread: int = 1,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self.profile = _profile(profile, payload_bits)
        self._bits = self.profile.bits + (LABEL_BITS if check_depth(spread) > 1 else 0)
        self.period = self._bits + SYNC_BITS
        self._hold = int(require("hold", hold, 0, 1000))
        self._slip = int(require("slip", slip, 0, 8))
        self._decoder = LinkDecoder(self.profile) if self.profile.header and spread == 1 else None
        self._history = (WORDS - 1) * self.period + self._slip
        self.reset()

    def reset(self) -> None:
        """Forget the stream: positions and numbers count from 0 again."""
        self._start = -self._history  # place in the stream of the first symbol kept
        self._symbols = np.zeros(self._history)
        # Correlations, from the same place on; 0 where a frame was given out, or before the stream.
        self._rho = np.zeros(self._history - SYNC_BITS + 1)
        self._given = self._start  # up to here frames were given out
        self._next = 0  # from here on is to be searched
        self._lock: _Lock | None = None
        self._number: int | None = None  # of the last frame given out, and its place
        self._counted = 0

    @property
    def locked(self) -> bool:
        """Whether a frame is expected at a certain place."""
        return self._lock is not None

    def push(self, symbols: np.ndarray) -> list[SyncedFrame]:
        """Take in symbols, in any portions; the frames that are complete by now.

        A frame is given out with its last symbol, or where it was expected and its CRC is wrong or
        missing, ``slip`` symbols later.

        Args:
            symbols: (n,), positive for 0 or, inverted, for 1; of any level, with any offset. NaN
                and infinities count as 0.

        Raises:
            ParameterError: ``symbols`` has another shape, or no real numbers.
        """
        symbols = np.asarray(symbols)
        if symbols.ndim != 1 or symbols.dtype.kind not in "buif":
            raise ParameterError(
                f"symbols must be real numbers of shape (n,), not {symbols.dtype} "
                f"of shape {symbols.shape}"
            )
        found: list[SyncedFrame] = []
        for start in range(0, len(symbols), _BLOCK):
            block = np.nan_to_num(
                symbols[start : start + _BLOCK].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0
            )
            self._append(np.clip(block, -_LARGEST, _LARGEST))
            found += self._advance()
            self._forget()
        return found

    def _append(self, symbols: np.ndarray) -> None:
        self._symbols = np.concatenate((self._symbols, symbols))
        fresh = sync_correlation(self._symbols[len(self._rho) :])
        fresh[: max(self._given - self._start - len(self._rho), 0)] = 0
        self._rho = np.concatenate((self._rho, fresh))

    def _forget(self) -> None:
        drop = self._next - self._history - self._start
        if drop > 0:
            self._symbols = self._symbols[drop:]
            self._rho = self._rho[drop:]
            self._start += drop

    def _advance(self) -> list[SyncedFrame]:
        """Search and follow as far as whole frames reach, in the order of the stream."""
        found: list[SyncedFrame] = []
        end = self._start + len(self._symbols) - self.period + 1
        while True:
            lock = self._lock
            if lock and not lock.missed:
                self._next = max(self._next, lock.position - self._slip)
            limit = min(end, lock.position - self._slip) if lock else end
            if limit > self._next:
                place = self._search(self._next, limit)
                self._next = limit if place is None else place.position + 1
                if place is not None:
                    found += self._acquire(place)
                    continue
            if lock is None or lock.position >= end:
                return found
            if lock.expected is None:
                [lock.expected] = self._look([lock.position], [lock.polarity])
            # Only where it is in doubt, it may rather be a few symbols further on.
            if lock.position >= end - self._slip and not lock.expected.certain:
                return found
            found += self._follow(lock, lock.expected)

    def _search(self, first: int, limit: int) -> _Found | None:
        """The first place of first .. limit - 1 where a frame is found."""
        padded = slice(first - self._slip - self._start, limit + self._slip - self._start)
        total = np.zeros(limit - first + 2 * self._slip)
        places: dict[int, bool] = {}  # and whether the correlation is enough
        for words in range(1, WORDS + 1):
            back = (words - 1) * self.period
            total = total + self._rho[padded.start - back : padded.stop - back]
            mean = np.abs(total / words)
            threshold = correlation_threshold(FALSE_LOCK, words)
            tried = threshold
            if words == 1 and self._decoder:
                tried = correlation_threshold(CANDIDATE)
            inner = mean[self._slip : len(mean) - self._slip]
            for i in np.flatnonzero(inner >= tried).tolist():
                if inner[i] == mean[i : i + 2 * self._slip + 1].max():
                    places[first + i] = places.get(first + i, False) or inner[i] >= threshold
        positions = sorted(places)
        polarities = [1 if self._rho[p - self._start] >= 0 else -1 for p in positions]
        for found in self._look(positions, polarities):
            if places[found.position] or found.certain:
                return found
        return None

    def _look(self, positions: list[int], polarities: list[int]) -> list[_Found]:
        """Estimate and, all together because that is faster, decode the frames at some places."""
        if not positions:
            return []
        llrs, ebn0s = [], []
        for position, polarity in zip(positions, polarities, strict=True):
            at = position - self._start
            symbols = polarity * self._symbols[at : at + self.period]
            middle, median = _spread(symbols)
            reach = _CLICK * median
            symbols = np.clip(symbols, middle - reach, middle + reach)
            statistics = symbol_statistics(symbols, SYNC_SYMBOLS)
            # Closer limits for the LLRs cost nothing in white noise, and clicks are then no worse
            # than wrong bits; the estimate of the noise needs its tails.
            reach = _LIMIT * median
            symbols = np.clip(symbols[SYNC_BITS:], middle - reach, middle + reach)
            llrs.append(statistics.llr(symbols))
            ebn0s.append(decibels(statistics.esn0 * self._bits / self.profile.payload_bits))
        frames = self._decoder.decode_many(np.array(llrs)) if self._decoder else [None] * len(llrs)
        rho = [float(self._rho[position - self._start]) for position in positions]
        return [
            _Found(position, polarity, polarity * value, llr, ebn0, frame)
            for position, polarity, value, llr, ebn0, frame in zip(
                positions, polarities, rho, llrs, ebn0s, frames, strict=True
            )
        ]

    def _acquire(self, found: _Found) -> list[SyncedFrame]:
        """Lock, and give out what came right before, where it shows a sync word too."""
        frames = [found]
        while len(frames) < WORDS:
            before = found.position - len(frames) * self.period
            correlation = found.polarity * self._rho[max(before - self._start, 0)]
            if correlation < correlation_threshold(CONFIRM):
                break
            frames[:0] = self._look([before], [found.polarity])
        self._lock = _Lock(found.position + self.period, found.polarity)
        return self._give(frames)

    def _follow(self, lock: _Lock, best: _Found) -> list[SyncedFrame]:
        """The frame that is expected, or its place passed over."""
        other = None if best.certain else self._slipped(best)
        if other:
            best = other
        confirmed = best.certain or best.correlation >= correlation_threshold(CONFIRM)
        heard = best.correlation >= correlation_threshold(SQUELCH) and not lock.silent
        given = confirmed or heard
        missed = 0 if confirmed else lock.missed + 1
        self._next = lock.position + self._slip + 1
        self._lock = None
        if missed <= self._hold:
            self._lock = _Lock(best.position + self.period, best.polarity, missed, not given)
        return self._give([best]) if given else []

    def _slipped(self, expected: _Found) -> _Found | None:
        """The frame near an expected place where it rather seems to be."""
        at = expected.position - self._start - self._slip
        near = self._rho[at : at + 2 * self._slip + 1]
        best = int(np.abs(near).argmax())
        correlation = abs(float(near[best]))
        if correlation <= expected.correlation or correlation < correlation_threshold(CONFIRM):
            return None
        position, polarity = self._start + at + best, 1 if near[best] >= 0 else -1
        [found] = self._look([position], [polarity])
        clear = correlation >= expected.correlation + _CLEARER
        if found.certain or (clear and correlation >= correlation_threshold(SLIP)):
            return found
        return None

    def _give(self, frames: list[_Found]) -> list[SyncedFrame]:
        """Number the frames, a period apart, and give them out; an end of over ends the lock."""
        numbers = self._count(frames)
        last = frames[-1]
        self._given = last.position + self.period - self._slip
        self._rho[: max(self._given - self._start, 0)] = 0
        if last.certain and last.frame.over_ended:
            self._lock, self._number = None, None
        return [
            SyncedFrame(Packet(f.llr, number), f.ebn0_db, f.polarity < 0, f.position)
            for f, number in zip(frames, numbers, strict=True)
        ]

    def _count(self, frames: list[_Found]) -> list[int] | list[None]:
        """Numbers by elapsed time, brought to agree with the last header that is known."""
        first = None
        if self._number is not None:
            elapsed = (frames[0].position - self._counted) / self.period
            first = self._number + max(1, round(elapsed))
        elif self._decoder is None:
            first = 0
        for i, found in enumerate(frames):
            if found.certain:
                guess = found.frame.sequence if first is None else first + i
                first = guess + (found.frame.sequence - guess + 128) % 256 - 128 - i
                first += 256 if first < 0 else 0
        if first is None:
            return [None] * len(frames)
        self._number, self._counted = first + len(frames) - 1, frames[-1].position
        return list(range(first, first + len(frames)))


def _spread(symbols: np.ndarray) -> tuple[float, float]:
    """Middle between the levels of a frame with its sync word, and median distance from it."""
    head = symbols[:SYNC_BITS]
    middle = (np.median(head[SYNC_SYMBOLS > 0]) + np.median(head[SYNC_SYMBOLS < 0])) / 2
    return middle, np.median(np.abs(symbols - middle))


# The class's argument `profile` hides the function of that name.
_profile = profile
