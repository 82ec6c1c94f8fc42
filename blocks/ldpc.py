"""The LDPC code of 5G NR, base graph 2: 3GPP TS 38.212, clauses 5.2.2, 5.3.2 and 5.4.2.

Encoder by a generator matrix, decoder by sum-product (Kschischang, Frey & Loeliger, IEEE Trans.
Inf. Theory 47(2), 2001) with a flooding schedule, both in numpy and over batches.

Why flooding: for one frame a call to numpy costs more than the sums in it, and a pass over the
whole graph takes hardly more calls than one row of a layered schedule does, which converges in
half the passes but has ten rows. Damping makes up for the rest: half the frames that plain
flooding loses at k = 256, n = 512, 1.86 dB (1.9 % in 50 iterations) oscillate between decisions,
and with damped messages and 100 iterations 1.0 % are lost, as with 50 layered ones.

Why messages are no LLRs here: exp and log cost more than all else. As differences of probabilities
for the checks and likelihood ratios for the variables, messages need one of each for a variable and
iteration, and not for every edge. Damping differences in place of LLRs loses as many frames.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np

from voicelink.models.errors import ParameterError, require

_ROWS = 42
_SYSTEMATIC = 10  # columns of information bits
_COLUMNS = 52
_CORE = 4  # rows whose parity bits depend on each other; every further row has one of its own
_PUNCTURED = 2  # columns that are never sent

_LIFTING_SETS = (  # table 5.3.2-1: (smallest, doublings)
    (2, 7),
    (3, 7),
    (5, 6),
    (7, 5),
    (9, 5),
    (11, 5),
    (13, 4),
    (15, 4),
)

LLR_LIMIT = 30.0
"""LLRs beyond this, either way, are taken as this and given out as this."""

_SURE = np.float32(1 + 2.0**-22)  # for 1 in (1 + d) / (1 - d), which keeps it below 2^23
_DAMPING = np.float32(0.2)  # share of a check's last message that stays in its next
_LIKELIEST = np.float32(40)  # LLRs beyond count as this, so that ratios of exp stay finite
_TOGETHER = 5  # ratios of at most 2^23 whose product float32 can hold
_LANES = 96  # frames decoded together: more gain nothing, fewer cost more calls to numpy


@functools.cache
def _base_graph() -> np.ndarray:
    """The shifts (8, 42, 52) for each lifting size set; -1 where there is no edge."""
    with resources.files(__package__).joinpath("ldpc_bg2.csv").open() as file:
        table = np.loadtxt(file, delimiter=",", skiprows=3, dtype=np.int64)
    shifts = np.full((8, _ROWS, _COLUMNS), -1)
    shifts[:, table[:, 0], table[:, 1]] = table[:, 2:].T
    return shifts


def _lifting(k: int) -> tuple[int, int]:
    """The lifting size Z and its set for k information bits (clause 5.2.2)."""
    columns = 10 if k > 640 else 9 if k > 560 else 8 if k > 192 else 6
    return min(
        (smallest << doubling, number)
        for number, (smallest, doublings) in enumerate(_LIFTING_SETS)
        for doubling in range(doublings + 1)
        if columns * (smallest << doubling) >= k
    )


@dataclass(frozen=True)
class LdpcResult:
    """What the decoder found, with the leading shape of its input.

    Attributes:
        llr: float32 (..., k), posterior LLRs of the information bits within +-`LLR_LIMIT`. Where
            the decoder did not converge, their mean over its iterations: the last ones alone are
            sure of too much, since loops in the graph feed a belief back to itself (at frame error
            rates of 0.2 to 0.4 their cross entropy with the bits sent is 4 to 7 % higher).
        bits: uint8 (..., k), their hard decisions.
        converged: bool (...), whether all parity checks in use are met.
        iterations: int (...), how many iterations it took.
        coded: float32 (..., n), posterior LLRs of the coded bits after the last iteration, for a
            demodulator that tries again with them; None unless they were asked for.
    """

    llr: np.ndarray
    bits: np.ndarray
    converged: np.ndarray
    iterations: np.ndarray
    coded: np.ndarray | None = None


class Ldpc:
    """The 5G LDPC code of base graph 2, rate matched (redundancy version 0, BPSK) to k in n bits.

    The k bits are filled up with zeros to 10 Z, Z being the lifting size; the codeword leaves out
    the first 2 Z information bits and the filler, and is cut off after, or repeated up to, n bits.

    Args:
        k: information bits, 12 to 3840.
        n: coded bits, k to 10 k.

    Attributes:
        k, n: as given.
        lifting: Z.

    Raises:
        ParameterError: k or n out of range.

    >>> code = Ldpc(256, 512)
    >>> code.lifting, code.encode(np.zeros(256, np.uint8)).shape
    (32, (512,))
    """

    def __init__(self, k: int, n: int):
        self.k = int(require("k", k, 12, 3840))
        self.n = int(require("n", n, self.k, 10 * self.k))
        self.lifting, lifting_set = _lifting(self.k)
        z = self.lifting
        shifts = np.where(_base_graph()[lifting_set] < 0, -1, _base_graph()[lifting_set] % z)

        buffer = np.arange(_PUNCTURED * z, _COLUMNS * z)
        buffer = buffer[(buffer < self.k) | (buffer >= _SYSTEMATIC * z)]
        self._buffer = buffer
        self._sent = np.resize(buffer, self.n)  # the variable behind each coded bit

        identity = np.zeros((self.k, _SYSTEMATIC * z), np.uint8)
        np.fill_diagonal(identity, 1)
        # Sums of at most k ones are exact in float32, which numpy multiplies by BLAS.
        self._generator = _codewords(identity, shifts, z)[:, self._sent].astype(np.float32)
        self._graph = _Graph(shifts, z, self.k, self._sent)

    def encode(self, bits: np.ndarray) -> np.ndarray:
        """Information bits (..., k) of 0 and 1 -> coded bits (..., n), uint8.

        Raises:
            ParameterError: the last axis is not k long.
        """
        bits = np.asarray(bits)
        if bits.ndim == 0 or bits.shape[-1] != self.k:
            raise ParameterError(f"bits must have shape (..., {self.k}), not {bits.shape}")
        sums = bits.astype(np.float32) @ self._generator
        return sums.astype(np.int32).astype(np.uint8) & 1

    def decode(self, llr: np.ndarray, iterations: int = 100, coded: bool = False) -> LdpcResult:
        """Decode by sum-product, each frame until its parity checks are met.

        Args:
            llr: (..., n), log(P(0) / P(1)) of each coded bit; NaN counts as 0, infinities as
                +-`LLR_LIMIT`.
            iterations: after how many to give up.
            coded: whether the posteriors of the coded bits are wanted.

        Raises:
            ParameterError: the last axis is not n long, or iterations is not at least 1.
        """
        llr = np.asarray(llr)
        if llr.ndim == 0 or llr.shape[-1] != self.n:
            raise ParameterError(f"llr must have shape (..., {self.n}), not {llr.shape}")
        require("iterations", iterations, 1)
        shape = llr.shape[:-1]
        channel = self._channel(sanitised(llr).reshape(-1, self.n))
        frames = channel.shape[1]
        posterior = np.zeros((frames, self.k), np.float32)
        converged = np.zeros(frames, bool)
        taken = np.zeros(frames, np.int64)
        sent = np.zeros((frames, self.n), np.float32) if coded else None
        self._graph.decode(channel, int(iterations), posterior, converged, taken, sent)
        np.clip(posterior, -LLR_LIMIT, LLR_LIMIT, out=posterior)
        posterior = posterior.reshape(*shape, self.k)
        return LdpcResult(
            posterior,
            (posterior < 0).astype(np.uint8),
            converged.reshape(shape),
            taken.reshape(shape),
            None if sent is None else sent.reshape(*shape, self.n),
        )

    def _channel(self, llr: np.ndarray) -> np.ndarray:
        """LLRs of all variables (variables, frames): 0 where unsent, certain where filler."""
        channel = np.zeros((_COLUMNS * self.lifting, len(llr)), np.float32)
        channel[self.k : _SYSTEMATIC * self.lifting] = LLR_LIMIT
        for start in range(0, self.n, len(self._buffer)):
            part = slice(start, start + len(self._buffer))
            channel[self._sent[part]] += llr.T[part]  # repeated bits add up
        return channel


def sanitised(llr: np.ndarray) -> np.ndarray:
    """A float32 copy of LLRs, NaN made 0, and all within +-`LLR_LIMIT`."""
    clipped = np.clip(np.asarray(llr), -LLR_LIMIT, LLR_LIMIT).astype(np.float32)
    np.nan_to_num(clipped, copy=False, nan=0.0)
    return clipped


def _codewords(bits: np.ndarray, shifts: np.ndarray, z: int) -> np.ndarray:
    """Information bits with filler (frames, 10 Z) -> whole codewords (frames, 52 Z).

    The four core rows together hold the first parity block once and each other one twice, so
    their sum gives the first; the others follow one by one.
    """
    blocks = np.zeros((len(bits), _COLUMNS, z), np.uint8)
    blocks[:, :_SYSTEMATIC] = bits.reshape(-1, _SYSTEMATIC, z)

    def total(row: int, columns: int) -> np.ndarray:
        result = np.zeros((len(bits), z), np.uint8)
        for column in np.flatnonzero(shifts[row, :columns] >= 0):
            result ^= np.roll(blocks[:, column], -shifts[row, column], axis=-1)
        return result

    p1, p2, p3, p4 = range(_SYSTEMATIC, _SYSTEMATIC + _CORE)
    core = [total(row, _SYSTEMATIC) for row in range(_CORE)]
    blocks[:, p1] = np.roll(core[0] ^ core[1] ^ core[2] ^ core[3], shifts[2, p1], axis=-1)
    first = np.roll(blocks[:, p1], -shifts[0, p1], axis=-1)
    blocks[:, p2] = core[0] ^ first
    blocks[:, p3] = core[1] ^ blocks[:, p2]
    blocks[:, p4] = core[3] ^ first
    for row in range(_CORE, _ROWS):
        blocks[:, _SYSTEMATIC + row] = total(row, _SYSTEMATIC + row)
    return blocks.reshape(len(bits), -1)


class _Graph:
    """The part of the Tanner graph that the sent bits need, laid out for numpy.

    Left out: checks whose own parity bit is not sent (they say nothing), and columns that are all
    filler (they are known). A parity bit outside the core sits in one check only, so what it says
    to that check never changes: it is a factor of the check and not an edge.

    The edges are sorted into slots: slot s holds the edge number s of every check that has one.
    With the checks sorted by falling degree, each slot is one run of edges that belongs to the
    checks 0, 1, 2 ..., so that products over checks are products of whole slices, and nothing is
    padded. The edges of the variables are sorted alike.
    """

    def __init__(self, shifts: np.ndarray, z: int, k: int, sent: np.ndarray):
        core_end = _SYSTEMATIC + _CORE
        check_rows = [(row, r, None) for row in range(_CORE) for r in range(z)]
        for bit in np.unique(sent[sent >= core_end * z]):
            row, r = divmod(int(bit) - _SYSTEMATIC * z, z)
            check_rows.append((row, r, int(bit)))
        used = [c for c in range(core_end) if c * z < k or c >= _SYSTEMATIC]
        neighbours = [
            [c * z + (r + shifts[row, c]) % z for c in used if shifts[row, c] >= 0]
            for row, r, _ in check_rows
        ]
        order = sorted(range(len(check_rows)), key=lambda i: -len(neighbours[i]))
        neighbours = [neighbours[i] for i in order]
        own = [check_rows[i][2] for i in order]

        edges = [
            (check, variables[slot])
            for slot in range(len(neighbours[0]))
            for check, variables in enumerate(neighbours)
            if slot < len(variables)
        ]
        self._checks = len(neighbours)
        self._check_slots = _slots([len(variables) for variables in neighbours])
        self._with_own = np.array([i for i, bit in enumerate(own) if bit is not None], np.intp)
        self._own = np.array([bit for bit in own if bit is not None], np.intp)

        by_variable: dict[int, list[int]] = {}
        for edge, (_, variable) in enumerate(edges):
            by_variable.setdefault(variable, []).append(edge)
        variables = sorted(by_variable, key=lambda v: -len(by_variable[v]))
        place = {variable: i for i, variable in enumerate(variables)}
        self._variables = np.array(variables, np.intp)
        self._variable_slots = _slots([len(by_variable[v]) for v in variables])
        self._edge_of = np.array(
            [
                by_variable[v][slot]
                for slot in range(len(self._variable_slots))
                for v in variables
                if slot < len(by_variable[v])
            ],
            np.intp,
        )
        self._variable_of = np.array([place[variable] for _, variable in edges], np.intp)
        self._information = np.array([place[v] for v in range(k)], np.intp)
        # Where the posterior of each sent bit is: among the variables, or behind them that of the
        # bit that belongs to one check alone.
        alone = {int(bit): len(variables) + i for i, bit in enumerate(self._own)}
        self._sent = np.array([place.get(int(v), alone.get(int(v))) for v in sent], np.intp)

    def decode(self, channel, iterations, posterior, converged, taken, coded=None) -> None:
        """Decode LLRs (all variables, frames) by at most so many iterations.

        Fills in ``posterior`` (frames, k), ``converged`` and ``taken`` (frames,), which come as
        zeros, and ``coded`` (frames, n) where it is given. A frame that is done makes room for the
        next one at once: worked on with few others, those that take long would cost more in calls
        than in sums.
        """
        coming = channel.shape[1]
        frames = np.arange(min(coming, _LANES))  # which one is in each lane
        next_one = len(frames)
        state = _Lanes(self, *self._load(channel[:, : len(frames)]))
        while len(frames):
            self._iterate(state)
            done = self._satisfied(state)
            leave = np.flatnonzero(done | (state.age == iterations))
            if not len(leave):
                continue
            gone, place = frames[leave], (self._information[:, None], leave)
            mean = state.history[place] / iterations
            posterior[gone] = np.where(done[leave], state.total[place], mean).T
            converged[gone], taken[gone] = done[leave], state.age[leave]
            if coded is not None:
                coded[gone] = self._posteriors(channel, state, gone, leave)
            fill, empty = np.split(leave, [coming - next_one])
            if len(fill):
                frames[fill] = np.arange(next_one, next_one + len(fill))
                next_one += len(fill)
                state.fill(fill, *self._load(channel[:, frames[fill]]))
            if len(empty):
                stay = np.delete(np.arange(len(frames)), empty)
                frames, state = frames[stay], state.only(stay)

    def _posteriors(self, channel, state: _Lanes, frames, lanes) -> np.ndarray:
        """LLRs (frames, n) of the sent bits in some lanes."""
        others = np.clip(state.product[np.ix_(self._with_own, lanes)], -0.999999, 0.999999)
        own = channel[np.ix_(self._own, frames)] + 2 * np.arctanh(others)
        both = np.concatenate((state.total[:, lanes], own))
        return np.clip(both[self._sent], -LLR_LIMIT, LLR_LIMIT).T

    def _load(self, channel):
        """The LLRs of the variables, and the factors of the checks, of (all variables, frames)."""
        own = np.ones((self._checks, channel.shape[1]), np.float32)
        own[self._with_own] = np.tanh(channel[self._own] / 2)
        return channel[self._variables], own

    def _iterate(self, state: _Lanes) -> None:
        """Messages from variables to checks and back: one iteration of every lane."""
        work, fresh, messages = state.work, state.fresh, state.messages
        np.clip(state.total, -_LIKELIEST, _LIKELIEST, out=state.total)
        np.exp(state.total, out=state.total)
        np.take(state.total, self._variable_of, axis=0, out=work, mode="clip")
        work /= state.ratios
        self._check_update(state)
        messages *= _DAMPING
        fresh *= 1 - _DAMPING
        messages += fresh
        # Of a difference d of probabilities the likelihood ratio is (1 + d) / (1 - d).
        np.subtract(_SURE, messages, out=work)
        np.add(_SURE, messages, out=state.ratios)
        state.ratios /= work
        # Posterior LLRs: the channel's and all messages.
        np.take(state.ratios, self._edge_of, axis=0, out=work, mode="clip")
        np.copyto(state.total, state.known)
        for first in range(0, len(self._variable_slots), _TOGETHER):
            (edges, most), *others = self._variable_slots[first : first + _TOGETHER]
            product = work[edges]
            for edges, variables in others:
                product[:variables] *= work[edges]
            np.log(product, out=product)
            state.total[:most] += product
        state.history += state.total
        state.age += 1

    def _check_update(self, state: _Lanes) -> None:
        """Messages of the checks: the product of the other edges' tanh(x / 2).

        Takes exp(x) from ``work`` and leaves the messages, differences of probabilities, in
        ``fresh``, and the product over each check's edges in ``product``. Products from the left
        and from the right, rather than a division, so that a 0 does no harm.
        """
        factors, result = state.work, state.fresh
        # tanh(x / 2) = 1 - 2 / (exp(x) + 1)
        factors += 1
        np.divide(-2, factors, out=factors)
        factors += 1
        left, right = state.left, state.product
        np.copyto(left, state.own)
        for edges, checks in self._check_slots:
            result[edges] = left[:checks]
            left[:checks] *= factors[edges]
        right.fill(1)
        for edges, checks in reversed(self._check_slots):
            result[edges] *= right[:checks]
            right[:checks] *= factors[edges]

    def _satisfied(self, state: _Lanes) -> np.ndarray:
        """Whether the hard decisions of each lane meet all checks: bool (lanes,)."""
        ones = (state.total < 0).take(self._variable_of, axis=0)
        parity = np.zeros(state.own.shape, bool)
        # The posterior of a check's own bit has the sign of its factor plus that of the others.
        parity[self._with_own] = (state.own + state.product)[self._with_own] < 0
        for edges, checks in self._check_slots:
            parity[:checks] ^= ones[edges]
        return ~parity.any(axis=0)


class _Lanes:
    """The state of the frames that a `_Graph` decodes together, one in each lane.

    Arrays have the shape (variables, checks or edges; lanes). Those to work in are kept from one
    iteration to the next: to ask for fresh memory each time may cost as much as the sums.
    """

    def __init__(self, graph: _Graph, known: np.ndarray, own: np.ndarray):
        self._graph = graph
        self.known, self.own = known, own
        self.messages = np.zeros((len(graph._variable_of), known.shape[1]), np.float32)
        self.total, self.history = known.copy(), np.zeros_like(known)
        self.age = np.zeros(known.shape[1], np.int64)
        self.ratios = np.ones_like(self.messages)
        self.work, self.fresh = np.empty_like(self.messages), np.empty_like(self.messages)
        self.left, self.product = np.empty_like(own), np.empty_like(own)

    def fill(self, lanes: np.ndarray, known: np.ndarray, own: np.ndarray) -> None:
        """Put new frames into some lanes."""
        self.known[:, lanes] = self.total[:, lanes] = known
        self.own[:, lanes] = own
        self.messages[:, lanes] = self.history[:, lanes] = 0
        self.ratios[:, lanes] = 1
        self.age[lanes] = 0

    def only(self, lanes: np.ndarray) -> _Lanes:
        """These lanes alone."""
        # By take, which leaves the lanes of a row next to each other; an index does not.
        rest = _Lanes(self._graph, self.known.take(lanes, axis=1), self.own.take(lanes, axis=1))
        for name in ("messages", "ratios", "total", "history"):
            setattr(rest, name, getattr(self, name).take(lanes, axis=1))
        rest.age = self.age[lanes]
        return rest


def _slots(degrees: list[int]) -> list[tuple[slice, int]]:
    """For falling degrees: each slot's run of edges, and how many nodes have it."""
    slots, start = [], 0
    for slot in range(degrees[0]):
        count = sum(degree > slot for degree in degrees)
        slots.append((slice(start, start + count), count))
        start += count
    return slots
