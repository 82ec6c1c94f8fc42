"""Amplitude, offset and noise of soft symbols, and Eb/N0, against what was put in."""

import numpy as np
import pytest

from voicelink.blocks.snr import HIGHEST_DB, LOWEST_DB, ebn0_db, symbol_statistics
from voicelink.blocks.sync_word import SYNC_SYMBOLS
from voicelink.link_sim.fer import awgn_llrs
from voicelink.models.errors import ParameterError


def frame(esn0_db, bits=592, rng=None, offset=0.0, scale=1.0):
    """Sync word and random symbols in noise of variance s^2, and s^2 / scale^2."""
    rng = rng or np.random.default_rng(0)
    sent = np.concatenate((SYNC_SYMBOLS, 1 - 2.0 * rng.integers(0, 2, bits)))
    variance = 0.5 / 10 ** (esn0_db / 10)
    noise = np.sqrt(variance) * rng.standard_normal(len(sent))
    return offset + scale * (sent + noise), variance


@pytest.mark.parametrize(
    ("esn0_db", "bias", "deviation"),
    [(-3.6, 0.4, 1.3), (-1.6, 0.3, 0.8), (3, 0.15, 0.45), (10, 0.1, 0.35), (20, 0.1, 0.35)],
)
def test_estimates_of_a_frame_with_sync_word(esn0_db, bias, deviation):
    """Within so many dB of the truth, on the mean and each: the limits are twice what was seen."""
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(100):
        symbols, variance = frame(esn0_db, rng=rng, offset=-20.0, scale=3.0)
        found = symbol_statistics(symbols, SYNC_SYMBOLS)
        errors.append(10 * np.log10(found.esn0) - esn0_db)
        assert found.offset == pytest.approx(-20, abs=1)
    assert abs(np.mean(errors)) < bias
    assert np.std(errors) < deviation
    assert found.amplitude == pytest.approx(3, rel=0.3)
    assert found.variance == pytest.approx(9 * variance, rel=0.3)


def test_llrs_have_the_scale_of_the_channel():
    """On the mean over frames, 2 y / s^2 as for a receiver that knows the channel."""
    rng = np.random.default_rng(2)
    scales = []
    for _ in range(100):
        symbols, variance = frame(-1.64, rng=rng, offset=0.7, scale=0.01)
        llr = symbol_statistics(symbols, SYNC_SYMBOLS).llr(symbols)
        assert llr.dtype == np.float32
        true = 2 / variance * (symbols - 0.7) / 0.01
        scales.append(float(llr @ true / (true @ true)))
    assert np.median(scales) == pytest.approx(1, abs=0.06)


def test_offset_of_a_frame_whose_bits_are_all_equal():
    """Without whitening a frame may have no zeros: the sync word still tells level from offset."""
    rng = np.random.default_rng(3)
    sent = np.concatenate((SYNC_SYMBOLS, np.ones(256)))
    symbols = 5 + sent + 0.2 * rng.standard_normal(288)
    found = symbol_statistics(symbols, SYNC_SYMBOLS)
    assert found.offset == pytest.approx(5, abs=0.1)
    assert (found.llr(symbols)[32:] > 0).all()


@pytest.mark.parametrize("bits", [256, 296, 592, 888])
@pytest.mark.parametrize("db", [1, 4, 10])
def test_ebn0_of_llrs(bits, db):
    """From the LLRs of a frame, of any scale: what was sent at, within 1 dB on the mean."""
    rng = np.random.default_rng(bits)
    sent = rng.integers(0, 2, (60, bits))
    llrs = awgn_llrs(sent, db + 10 * np.log10(256 / bits), rng)
    found = [ebn0_db(factor * llr) for factor, llr in zip([0.1, 1, 7] * 20, llrs, strict=True)]
    assert np.mean(found) == pytest.approx(db, abs=0.4)
    assert np.std(found) < (1.5 if db == 1 else 0.8)


def test_extremes_give_numbers_within_the_range():
    assert ebn0_db(np.full(592, 20.0)) == HIGHEST_DB
    assert ebn0_db(np.zeros(592)) == LOWEST_DB
    for value in (np.nan, np.inf, -np.inf, 1e38, 1e-38):
        llrs = np.random.default_rng(4).standard_normal(592)
        llrs[7] = value
        assert LOWEST_DB <= ebn0_db(llrs) <= HIGHEST_DB
    silent = symbol_statistics(np.zeros(100), SYNC_SYMBOLS)
    assert silent.esn0 == 0
    np.testing.assert_array_equal(silent.llr(np.zeros(5)), 0)


def test_what_cannot_be_estimated_is_refused():
    for wrong in (np.zeros(0), np.zeros((2, 2))):
        with pytest.raises(ParameterError, match=r"symbols must have shape \(n,\)"):
            symbol_statistics(wrong)
    with pytest.raises(ParameterError, match="the number of those known"):
        symbol_statistics(np.zeros(31), SYNC_SYMBOLS)
