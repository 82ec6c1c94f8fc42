"""A channel of several paths, estimated from the symbols that went through it.

Path gains h_l(k), at delays half a symbol apart, change over the burst as sums of Legendre
polynomials. With matched-filter outputs z at all these delays, white noise before the filter and
g the raised cosine, the least-squares coefficients solve A h = b,

    b[l, q] = sum_k x*(k) B_q(k) z_l(k),
    A[l q, l' q'] = sum_d g(t_l - t_l' - d) sum_k x*(k) x(k + d) B_q(k) B_q'(k + d),

and as the noise of b has the covariance N0 A, the most probable ones for Gaussian coefficients of
variances p solve (A + N0 / p) h = b. The variances are learned with them (automatic relevance
determination; Tipping, J. Mach. Learn. Res. 1, 2001), which leaves few paths standing.
"""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem.curves import legendre, overlap
from voicelink.blocks.modem.mode import Layout
from voicelink.blocks.modem.pulse import raised_cosine

LONGEST = 2.75e-3
"""Seconds before and after the strongest path in which others are looked for."""

SHAPES = 4
"""Legendre polynomials that a gain over a burst is made of."""

_RANGE = 8  # symbols beyond which the raised cosine is taken for 0
_ROUNDS = 3  # of learning variances, for each estimate
_FAINT = 3e-3  # of the strongest path: below, there is none


class Echoes:
    """Estimates path gains of bursts of one layout.

    Attributes:
        delays: float64 (L,), of the paths in symbols.
    """

    def __init__(self, layout: Layout, symbols: int) -> None:
        steps = int(np.ceil(2 * LONGEST * layout.symbol_rate))
        self.delays = np.arange(-steps, steps + 1) / 2
        self._rolloff = layout.mode.rolloff
        self._shapes = legendre(SHAPES, symbols)
        apart = self.delays[:, None] - self.delays
        self._lags = np.arange(-steps - _RANGE, steps + _RANGE + 1)
        pulse = raised_cosine(apart - self._lags[:, None, None], self._rolloff)
        # (lags, L, L)
        self._pulse = np.where(np.abs(apart - self._lags[:, None, None]) <= _RANGE, pulse, 0)

    def estimate(
        self,
        z: np.ndarray,
        symbols: np.ndarray,
        spread: np.ndarray,
        noise: float,
        shapes: int,
        prior: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Path gains.

        Args:
            z: complex (L, n), matched-filter outputs at all delays.
            symbols: complex (n,), means of the symbols; 0 where nothing is known.
            spread: (n,), their variances; 0 where a symbol is to be left out.
            noise: N0.
            shapes: polynomials to use, at most `SHAPES`.
            prior: variances (L, shapes) to start from, or None: all paths alike.
                Paths far below the strongest are left out from then on.

        Returns:
            Gains complex (L, n), exactly 0 for paths that are not there, and the variances.
        """
        basis, n = self._shapes[:shapes], len(symbols)
        used = np.arange(len(self.delays))
        if prior is None:
            power = float(np.mean(np.abs(z[len(z) // 2]) ** 2))
            prior = np.full((len(used), shapes), power / 4)
        else:
            strength = prior.sum(axis=1)
            used = np.flatnonzero(strength > _FAINT * strength.max())
        if prior.shape[1] < shapes:
            more = np.repeat(prior[:, :1] / 4, shapes - prior.shape[1], axis=1)
            prior = np.concatenate((prior, more), axis=1)
        shaped = basis * symbols  # (Q, n)
        b = (z[used] @ shaped.conj().T).reshape(-1)
        together = np.empty((len(self._lags), shapes, shapes), complex)
        for row, lag in enumerate(self._lags):
            first, second = overlap(lag, n)
            together[row] = shaped[:, first].conj() @ shaped[:, second].T
        together[self._lags == 0] += (basis * spread) @ basis.T
        pulse = self._pulse[:, used[:, None], used]
        size = len(used) * shapes
        a = np.einsum("dlm,dqr->lqmr", pulse, together, optimize=True).reshape(size, size)
        variances = prior[used].reshape(size)
        for _ in range(_ROUNDS):
            # A path of which nothing comes, as in a file's silence, has a variance of 0.
            inverse = np.linalg.inv(a + np.diag(noise / np.maximum(variances, 1e-12)))
            h = inverse @ b
            doubt = np.maximum(noise * inverse.diagonal().real, 0)
            variances = np.abs(h) ** 2 + doubt
        h, learned = h.reshape(-1, shapes), np.zeros_like(prior)
        learned[used] = variances.reshape(-1, shapes)
        strength = np.sum(np.abs(h) ** 2, axis=1)
        h[strength < _FAINT * strength.max()] = 0
        gains = np.zeros((len(self.delays), n), complex)
        gains[used] = h @ basis
        return gains, learned
