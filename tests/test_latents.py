"""Bits, levels and latents: packing, and what soft bits say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelink.models.errors import FormatError
from voicelink.models.latents import CERTAIN, from_llrs, llrs_of, moments, pack
from voicelink.models.sizes import BIT_RATE, FRAMES, LATENTS, PAYLOAD_BITS, PAYLOAD_BYTES


def test_the_payload_is_800_bits_a_second_and_nothing_beside() -> None:
    assert (PAYLOAD_BITS, PAYLOAD_BYTES, BIT_RATE) == (256, 32, 800)


@given(st.integers(0, 2**32 - 1))
def test_levels_survive_packing(seed: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 4, (3, FRAMES, LATENTS))
    mean, reliability = from_llrs(llrs_of(pack(levels)))
    np.testing.assert_allclose(mean, (2 * levels - 3) / 3, atol=1e-6)
    assert (reliability == 1).all()


def test_layout_is_frame_major_with_the_high_bit_first() -> None:
    levels = np.zeros((FRAMES, LATENTS), int)
    levels[0, 1] = 2
    levels[1, 0] = 1
    bits = np.unpackbits(np.frombuffer(pack(levels), np.uint8))
    assert np.flatnonzero(bits).tolist() == [2, 33]


@given(st.floats(0, 1), st.floats(0, 1))
def test_moments_are_those_of_the_four_levels(high: float, low: float) -> None:
    odds = {
        (a, b): (high if a else 1 - high) * (low if b else 1 - low)
        for a, b in itertools.product((0, 1), repeat=2)
    }
    value = {(a, b): (2 * (2 * a + b) - 3) / 3 for a, b in odds}
    mean = sum(odds[k] * value[k] for k in odds)
    variance = sum(odds[k] * (value[k] - mean) ** 2 for k in odds)
    got_mean, got_reliability = moments(high, low)
    assert got_mean == pytest.approx(mean, abs=1e-9)
    assert got_reliability == pytest.approx(1 - variance / (5 / 9), abs=1e-9)


def test_a_wrong_bit_moves_a_latent_by_one_or_two_levels() -> None:
    for level, flipped_bit in itertools.product(range(4), (1, 2)):
        assert abs((level ^ flipped_bit) - level) == flipped_bit


def test_nothing_known_gives_the_middle_without_reliability() -> None:
    for unknown in (0.0, np.nan):
        mean, reliability = from_llrs(np.full(PAYLOAD_BITS, unknown))
        assert (mean == 0).all()
        np.testing.assert_allclose(reliability, 0, atol=1e-6)


@pytest.mark.parametrize("extreme", [np.inf, 1e30, CERTAIN])
def test_extreme_llrs_are_certain(extreme: float) -> None:
    mean, reliability = from_llrs(np.full(PAYLOAD_BITS, -extreme))
    assert (mean == 1).all() and (reliability == 1).all()


def test_a_cut_payload_is_refused() -> None:
    with pytest.raises(FormatError, match="multiple of 32 bytes long, not 33"):
        llrs_of(bytes(33))
