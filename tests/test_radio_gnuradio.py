"""GNU Radio's channel models and its decoder as independent witnesses of the radio paths."""

import functools
import math

import numpy as np
import pytest
from graph import run_graph
from scipy import stats

from voicelink.link_sim.channels import Rayleigh, Rician, Watterson
from voicelink.link_sim.channels.radio import Signal

run = functools.partial(run_graph, "radio_graphs.py")
RUNS = 30
STEPS = 10000
LAGS = [5, 10, 20, 30]
LEVEL = 0.25
"""Of the power, below which a fade is counted."""


def ours(make, doppler_steps):
    """The same figures of our process, with a step of 0.001 s."""
    signal = Signal(STEPS, False)
    signal.row_seconds = 0.001
    figures = []
    for seed in range(RUNS):
        channel = make(doppler_hz=1000 * doppler_steps)
        channel.reset(seed)
        gain = channel._gain(0, signal)[:, 0]
        power = np.abs(gain) ** 2
        below = power < LEVEL
        lagged = [(gain[lag:] * gain[:-lag].conj()).real.mean() for lag in LAGS]
        ups = (below[:-1] & ~below[1:]).mean()
        figures.append([power.mean(), (power**2).mean(), below.mean(), ups, *lagged])
    return np.array(figures)


def assert_alike(first, second, tolerance):
    """Means over runs, to four standard errors of their difference and a tolerance."""
    errors = np.sqrt(
        first.var(axis=0, ddof=1) / len(first) + second.var(axis=0, ddof=1) / len(second)
    )
    apart = np.abs(first.mean(axis=0) - second.mean(axis=0))
    assert (apart <= 4 * errors + tolerance).all(), (first.mean(axis=0), second.mean(axis=0))


@pytest.mark.parametrize("k", [0, 4])
def test_fading_is_like_gnuradio_s(k):
    """Moments, fades, crossings and autocorrelation of envelope and gain at f_D T = 0.01."""
    theirs = np.array(run("fading", 0.01, k, RUNS, STEPS, LAGS, LEVEL))
    make = functools.partial(Rician, k_db=10 * math.log10(k)) if k else Rayleigh
    mine = ours(make, 0.01)
    # Theirs turns the steady wave by a Doppler shift of its own, which its crossings and its
    # autocorrelation show: with it the moments are compared.
    figures = slice(0, 3) if k else slice(None)
    # 32 sinusoids there and 64 here: the fourth moment of the sum is lower by 1 / n.
    tolerance = np.array([0.01, 0.05, 0.005, 3e-4, 0.01, 0.01, 0.01, 0.01])[figures]
    assert_alike(mine[:, figures], theirs[:, figures], tolerance)


def test_echoes_are_like_gnuradio_s():
    """Two paths of equal power, 2 ms apart: the correlation of H over frequency."""
    apart = [1, 2, 4, 8]  # of 4 kHz / 64 = 62.5 Hz, the spacing of our carriers
    theirs = np.array(run("echoes", 8, RUNS, apart))  # 8 samples at 4 kHz
    signal, mine = Signal(592, True), []
    for seed in range(300):
        channel = Watterson(delay_ms=2, spread_hz=1)
        channel.reset(seed)
        gain = channel._gain(0, signal)
        products = [(gain[:, n:] * gain[:, :-n].conj()).mean() for n in apart]
        mine.append([[value.real, value.imag] for value in products])
    assert_alike(np.array(mine), theirs, 0.02)


@pytest.mark.parametrize("modulation", ["bpsk", "qpsk"])
def test_a_decoder_of_gnuradio_takes_the_llrs(modulation):
    """K = 7, rate 1/2 at Eb/N0 = 3 dB: just below the union bound on its bit errors.

    Sum of c_d Q(sqrt(2 d R Eb/N0)) with c_10 = 36, c_12 = 211, c_14 = 1404, c_16 = 11633
    (Proakis & Salehi, section 8.2 and table 8.3-1).
    """
    wrong, bits = run("decoded", modulation, 3, 500, 1002)
    weights = {10: 36, 12: 211, 14: 1404, 16: 11633}
    bound = sum(c * stats.norm.sf(math.sqrt(d * 10**0.3)) for d, c in weights.items())
    assert 0.4 * bound < wrong / bits < 1.3 * bound
