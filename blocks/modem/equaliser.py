"""Symbols out of the mixture that several paths make of them: linear MMSE with priors.

With the outputs of the filter that is matched to the whole channel, y = G x + noise of covariance
N0 G (Ungerboeck, IEEE Trans. Commun. 22(5), 1974), and symbols of prior means m and variances v,
the posterior has the precision G / N0 + 1 / v. What it says of each symbol beyond its own prior is
the extrinsic Gaussian that turbo equalisers pass on (Tuechler, Singer & Koetter, IEEE Trans. Signal
Process. 50(3), 2002). G is banded, so the precision is worked off in blocks.
"""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem.pulse import raised_cosine

_LEAST = 1e-4  # variance of a known symbol
_REACH = 4  # symbols by which the pulse mixes neighbours beyond the paths themselves


def equalise(
    z: np.ndarray,
    gains: np.ndarray,
    delays: np.ndarray,
    rolloff: float,
    noise: float,
    means: np.ndarray,
    variances: np.ndarray,
    real: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """What the signal says of each symbol.

    Args:
        z: complex (L, n), outputs of the pulse's matched filter at the paths' delays.
        gains: complex (L, n), of the paths at each symbol.
        delays: (L,), in symbols.
        rolloff: of the pulse.
        noise: N0.
        means: complex (n,), of the symbols before.
        variances: (n,), likewise; 0 for a known one.
        real: whether symbols are real (BPSK), which is worth twice as much.

    Returns:
        Symbols complex128 (n,) and the variances (n,) of their errors, without the priors' part.
    """
    used = np.flatnonzero(np.any(gains, axis=1))
    z, gains, delays = z[used], gains[used], delays[used]
    n = z.shape[1]
    y = np.sum(gains.conj() * z, axis=0)
    span = float(np.ptp(delays)) if len(used) else 0.0
    band = int(np.ceil(span)) + _REACH
    apart = delays[:, None] - delays
    diagonals = np.zeros((band + 1, n), complex)
    for d in range(band + 1):
        pulse = raised_cosine(apart - d, rolloff)
        later = gains[:, d:]
        diagonals[d, : n - d] = np.sum(gains[:, : n - d].conj() * (pulse @ later), axis=0)
    prior = np.maximum(variances, _LEAST)
    scale = 2 / noise if real else 1 / noise
    if real:
        diagonals, y, means = diagonals.real, y.real, means.real
    diagonals = diagonals * scale
    diagonals[0] = diagonals[0].real + 1 / prior
    posterior, spread = _solve(diagonals, y * scale + means / prior)
    precision = np.maximum(1 / spread - 1 / prior, 1e-9)
    return ((posterior / spread - means / prior) / precision).astype(complex), 1 / precision


def _solve(diagonals: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solution (n,) and diagonal of the inverse (n,) for a banded Hermitian positive matrix, given
    as its upper diagonals (band + 1, n), element [d, k] being that of row k and column k + d.

    Block-tridiagonal elimination forwards and back; blocks as large as the band.
    """
    band, n = len(diagonals) - 1, diagonals.shape[1]
    size = max(band, 8)
    blocks = -(-n // size)
    whole = np.zeros((band + 1, blocks * size), diagonals.dtype)
    whole[:, :n] = diagonals
    whole[0, n:] = 1
    rows, columns = np.indices((size, size))
    own = columns - rows
    next_one = own + size
    start = np.arange(blocks)[:, None, None] * size
    diagonal = np.where((own >= 0) & (own <= band), whole[np.clip(own, 0, band), start + rows], 0)
    diagonal = (
        diagonal
        + np.where(
            (own < 0) & (own >= -band), whole[np.clip(-own, 0, band), start + columns], 0
        ).conj()
    )
    beside = np.where(
        (next_one >= 0) & (next_one <= band), whole[np.clip(next_one, 0, band), start + rows], 0
    )
    b = np.zeros(blocks * size, right.dtype)
    b[:n] = right
    b = b.reshape(blocks, size)
    inverses = np.empty_like(diagonal)
    steps = np.empty_like(diagonal)
    left = diagonal[0]
    for i in range(blocks):
        inverses[i] = np.linalg.inv(left)
        if i + 1 < blocks:
            steps[i] = inverses[i] @ beside[i]
            back = steps[i].conj().T
            left = diagonal[i + 1] - back @ beside[i]
            b[i + 1] -= back @ b[i]
    x = np.empty_like(b)
    spread = np.empty(b.shape)
    x[-1] = inverses[-1] @ b[-1]
    covariance = inverses[-1]
    spread[-1] = covariance.diagonal().real
    for i in range(blocks - 2, -1, -1):
        x[i] = inverses[i] @ b[i] - steps[i] @ x[i + 1]
        covariance = inverses[i] + steps[i] @ covariance @ steps[i].conj().T
        spread[i] = covariance.diagonal().real
    return x.reshape(-1)[:n], spread.reshape(-1)[:n]
