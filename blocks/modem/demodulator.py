"""Complex baseband to packets of LLRs: bursts found, followed, and never the end of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.link import LinkDecoder
from voicelink.blocks.modem.burst import Burst
from voicelink.blocks.modem.constellation import information
from voicelink.blocks.modem.echoes import LONGEST
from voicelink.blocks.modem.fit import DOUBT, Fit, Fitter
from voicelink.blocks.modem.matched import MatchedFilter
from voicelink.blocks.modem.mode import BURST_SAMPLES, MODEM_RATE, Mode, mode
from voicelink.blocks.modem.samples import cleaned
from voicelink.blocks.modem.search import HOP, Candidate, Search
from voicelink.blocks.modem.turbo import HOPELESS, Turbo
from voicelink.blocks.packet import Packet
from voicelink.blocks.snr import decibels
from voicelink.blocks.spread import check_depth
from voicelink.models.errors import require
from voicelink.models.sizes import PAYLOAD_BITS

CERTAIN = 40.0, 18.0, 5.0
"""Likelihood (evidence of the data and agreement of the known symbols), agreement, and agreement of
either end, from which a burst is one without its CRC. All are logarithms of likelihood ratios: what
is none reaches them with a probability of exp(-x) at each of the tens of thousands of places that
a second has. `voicelink modem noise` counts what noise does."""

PLAUSIBLE = 14.0, 8.0, 1.0
"""The same, for a burst whose CRC is right, or which is where one is expected."""

WORTH_A_LOOK = 15.0
"""Minus the log of the probability of noise that has a place's correlation with the known symbols,
from which the place is fitted."""

SHOWN = 0.33
"""Bits of information in each bit from which a burst of several paths is given out without a CRC.
What follows the preamble that ends an over seems to have up to 0.3, fitted so, and noise 0.2."""

CLEAR = 0.45
"""Bits of information from which such a burst keeps up a lock as a confirmed one does."""

HOLD = 8
"""Bursts in a row, missing or not confirmed, that a lock survives."""

_FITTED = 4  # places of a block that are fitted at most
_BALANCE = 0.6  # data symbols further from a sum of nothing are a carrier
_DRIFT = 1.5  # Hz by which the frequency may drift from one burst to the next
_SLACK = 2  # samples by which the next burst may be off
_DOUBTED = 2  # bursts in a row, not confirmed, from which others are looked for beside the lock
_MEMORY = 6  # bursts over which place and frequency are averaged
_MOVE, _TURN = 0.5, 1.5  # samples and Hz by which a burst may move them
_BLOCK = 1 << 16


@dataclass(slots=True)
class _Lock:
    """Where the next burst is expected."""

    position: float
    frequency: float
    missed: int = 0
    age: int = 1  # bursts that are averaged in it
    shown: bool = True  # whether the last one was given out


class Demodulator:
    """Finds bursts in a stream of complex samples, at any time and any offset of frequency.

    Not locked, it compares everything with the preamble and looks closer where it fits best; a
    burst is taken where the evidence is overwhelming or where the link frame's CRC is right. Then
    it expects bursts to follow each other, and gives out also those that nothing confirms, where
    their known symbols show, up to `HOLD` in a row.

    Args:
        mode: a mode's name.
        spread: packets that the sender spreads each frame over, 1, 2, 4, 8 or 16.
        frequency_range: Hz that the signal may be off to either side, 0 to 500; what is off by up
            to 16 Hz more is taken too.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        mode: the `Mode`.
        layout: the burst's `Layout`.
        latency: seconds from a burst's last symbol until it is given out in a lock, about.

    Raises:
        ParameterError: no such mode or payload, or a number out of range.

    >>> from voicelink.blocks.link import LinkEncoder
    >>> from voicelink.blocks.modem.modulator import Modulator
    >>> modulator = Modulator("bpsk")
    >>> signal = modulator.modulate(LinkEncoder("half").encode(bytes(32)))
    >>> signal = np.concatenate((signal, modulator.finish(), np.zeros(4000)))
    >>> [burst] = Demodulator("bpsk").push(signal)
    >>> burst.packet.bits, abs(burst.position - modulator.delay) < 0.1, burst.confirmed
    (592, True, True)
    """

    def __init__(
        self,
        mode: str | Mode = "bpsk",
        spread: int = 1,
        frequency_range: float = 250.0,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self.mode = _mode(mode)
        self.layout = self.mode.layout(spread, payload_bits)
        self._range = float(require("frequency_range", frequency_range, 0, 500))
        self._search = Search(self.layout, self._range)
        matched = MatchedFilter(self.layout)
        self._fitter = Fitter(self.layout, matched)
        alone = check_depth(spread) == 1
        self._link = LinkDecoder(self.mode.profile, payload_bits=payload_bits) if alone else None
        self._turbo = Turbo(self.layout, matched, self._link)
        stages = self._search, self._fitter, self._turbo
        # Paths of a burst, and so near to each other no two bursts begin.
        self._near = LONGEST * MODEM_RATE + 2 * self.layout.samples_per_symbol
        self._before = max(stage.before for stage in stages) + 2 * _SLACK
        self._after = max(stage.after for stage in stages) + 2 * _SLACK
        last = self.layout.samples_per_symbol * (self.layout.symbols - 1)
        self.latency = (self._after - last) / MODEM_RATE
        self.reset()

    def reset(self) -> None:
        """Forget the stream: positions count from 0 again."""
        self._start = -self._before  # the sample kept first
        self._signal = np.zeros(self._before, np.complex64)
        self._block = 0  # start of the next block to be searched
        self._given = -float(BURST_SAMPLES)  # where the last burst was
        self._claimed = 0  # no other begins before
        self._spent = -2 * BURST_SAMPLES  # up to here looks for several paths are paid for
        self._lock: _Lock | None = None

    @property
    def locked(self) -> bool:
        """Whether a burst is expected at a certain place."""
        return self._lock is not None

    def push(self, samples: np.ndarray) -> list[Burst]:
        """Take in samples, in any portions; the bursts that are complete by now.

        Args:
            samples: (n,), complex or real numbers around 1; `cleaned` says what counts as 0.

        Raises:
            ParameterError: ``samples`` has another shape or no numbers.
        """
        samples = cleaned(samples)
        bursts: list[Burst] = []
        for first in range(0, len(samples), _BLOCK):
            self._signal = np.concatenate((self._signal, samples[first : first + _BLOCK]))
            bursts += self._advance()
        return bursts

    def flush(self) -> list[Burst]:
        """End the stream by silence, which counts in positions: the bursts that waited for more.

        One that was cut short is among them if enough of it came.
        """
        silence = np.zeros(self._after + HOP, np.complex64)
        return self.push(silence)

    def _advance(self) -> list[Burst]:
        """What can be decided by now, in the order in which samples make it possible, so that
        nothing depends on the portions they come in."""
        bursts: list[Burst] = []
        while True:
            end = self._start + len(self._signal)
            searched = self._block + HOP - 1 + self._after + 1
            expected = int(np.ceil(self._lock.position)) + self._after + 1 if self._lock else np.inf
            if min(searched, expected) > end:
                break
            if expected <= searched:
                bursts += self._follow()
            else:
                bursts += self._look()
            self._forget()
        return bursts

    def _forget(self) -> None:
        needed = self._block if self._lock is None else min(self._block, self._lock.position)
        drop = int(needed) - self._before - self._start
        if drop > BURST_SAMPLES:
            self._signal = self._signal[drop:]
            self._start += drop

    def _follow(self) -> list[Burst]:
        """The burst where it is expected."""
        lock = self._lock
        places = [
            Candidate(lock.position + shift, lock.frequency, 0.0)
            for shift in (-1.0, -0.5, 0.0, 0.5, 1.0)
        ]
        flat = None
        # Near the lock's frequency first: known symbols in noise leave a choice of several.
        tried = None
        for doubt in (_DRIFT, DOUBT):
            found = self._fitter.closer(self._signal, self._start, places, doubt)[:1]
            if found[0] == tried and flat is not None:
                continue
            tried = found[0]
            for fit in self._fits(found, doubt):
                if self._right(fit):
                    return [self._give(fit, True)]
                if flat is None or _likelihood(fit) > _likelihood(flat):
                    flat = fit
        # In a fade neither place nor frequency of one path says much: those of the lock do.
        place = Candidate(lock.position, lock.frequency, 0.0)
        several = self._turbo.fit(self._signal, self._start, place, flat)
        if several and several[1]:
            return [self._give(several[0], True)]
        certain = flat is not None and _reaches(flat, CERTAIN)
        if several and (known := information(several[0].llrs)) >= SHOWN:
            return [self._give(several[0], certain or known >= CLEAR)]
        if flat is not None and flat.data and _reaches(flat, PLAUSIBLE):
            return [self._give(flat, certain)]
        lock.missed += 1
        lock.shown = False
        lock.position += BURST_SAMPLES
        if lock.missed > HOLD:
            self._lock = None
        return []

    def _look(self) -> list[Burst]:
        """Bursts that begin in the next block."""
        first, self._block = self._block, self._block + HOP
        starts = first + np.arange(HOP)
        # Where the present burst is, none begins; nor where the next one is looked for anyway.
        allowed = starts >= self._claimed
        if self._lock and self._lock.shown and self._lock.missed < _DOUBTED:
            allowed[:] = False
        # What was given out without being confirmed may hide another burst, but not twice itself.
        allowed &= np.abs(starts - self._given) > self._near
        if not allowed.any():
            return []
        at = first - self._search.before - self._start
        block = self._signal[at : at + self._search.before + HOP + self._search.after]
        found = self._search.candidates(block, first, allowed)
        found = self._fitter.closer(self._signal, self._start, found, self._search.step)
        found = [c for c in found if self._fitter.significance(c) >= WORTH_A_LOOK][:_FITTED]
        fits = self._fits(found)
        for fit in sorted(fits, key=_likelihood, reverse=True):
            if not (self._possible(fit) and _reaches(fit, PLAUSIBLE)):
                continue
            if fit.position < self._claimed:
                continue
            several = None
            if not self._right(fit):
                if self._affordable():
                    place = Candidate(fit.position, fit.frequency, 0.0)
                    several = self._turbo.fit(self._signal, self._start, place, fit)
                if not (several and several[1]) and not _reaches(fit, CERTAIN):
                    continue
            # No other burst begins in the same block.
            return [self._give(several[0] if several else fit, True)]
        return []

    def _fits(self, candidates: list[Candidate], doubt: float = DOUBT) -> list[Fit]:
        fits = (self._fitter.fit(self._signal, self._start, c, doubt) for c in candidates)
        return [fit for fit in fits if fit is not None]

    def _affordable(self) -> bool:
        """Whether a search may look for several paths: twice in the time of two bursts.

        What repeats itself looks like bursts everywhere, and would take all of a computer's time.
        """
        spent = max(self._spent, self._block - 2 * BURST_SAMPLES)
        if spent + BURST_SAMPLES > self._block:
            return False
        self._spent = spent + BURST_SAMPLES
        return True

    def _right(self, fit: Fit) -> bool:
        """Whether its link frame's CRC is right."""
        if self._link is None or not self._possible(fit):
            return False
        if information(fit.llrs) < HOPELESS * self._link.profile.rate:
            return False
        return self._link.reread(fit.llrs)[0]

    def _possible(self, fit: Fit) -> bool:
        """No carrier, and within the range of frequencies."""
        return fit.balance <= _BALANCE and abs(fit.frequency) <= self._range + self._search.step

    def _next(self, fit: Fit, missed: int) -> _Lock:
        """Where the next burst is expected. Fading moves what is measured: follow slowly."""
        lock = self._lock
        position, frequency = fit.position, fit.frequency
        if lock is None or abs(position - lock.position) > _SLACK + 1:
            return _Lock(position + BURST_SAMPLES, frequency, missed)
        weight = 1 / min(lock.age + 1, _MEMORY)
        moved = float(np.clip(weight * (position - lock.position), -_MOVE, _MOVE))
        turned = float(np.clip(weight * (frequency - lock.frequency), -_TURN, _TURN))
        return _Lock(
            lock.position + moved + BURST_SAMPLES, lock.frequency + turned, missed, lock.age + 1
        )

    def _give(self, fit: Fit, confirmed: bool) -> Burst:
        missed = 0 if confirmed else self._lock.missed + 1
        self._given = fit.position
        if missed < _DOUBTED:
            self._claimed = int(fit.position) + BURST_SAMPLES - 2 * _SLACK
            self._block = max(self._block, self._claimed)
        self._lock = self._next(fit, missed)
        if missed > HOLD:
            self._lock = None
        return Burst(
            packet=Packet(fit.llrs.astype(np.float32)),
            position=fit.position,
            frequency=fit.frequency,
            esn0_db=decibels(fit.esn0),
            snr_db=decibels(fit.esn0) + float(10 * np.log10(self.layout.symbol_rate / 3000)),
            confirmed=confirmed,
        )


def _likelihood(fit: Fit) -> float:
    return fit.evidence + fit.agreement


def _reaches(fit: Fit, least: tuple[float, float, float]) -> bool:
    measured = _likelihood(fit), fit.agreement, fit.ends
    return all(value >= bound for value, bound in zip(measured, least, strict=True))


# The class's argument `mode` hides the function of that name.
_mode = mode
