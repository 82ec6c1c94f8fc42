"""The LDPC code: against py3gpp bit for bit, and its error rate between the bound and the table."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom

from voicelink.blocks.ldpc import LLR_LIMIT, Ldpc
from voicelink.link_sim.fer import (
    awgn_llrs,
    capacity_and_dispersion,
    main,
    measure,
    normal_approximation,
    wilson,
)
from voicelink.models.errors import ParameterError


def py3gpp_codeword(bits: np.ndarray, n: int, z: int) -> np.ndarray:
    """The coded bits by py3gpp.

    Its public encoder takes the lifting size set from the length with filler, which is wrong for
    short blocks (it is derived from the length without), so this names the set to what is inside.
    """
    from py3gpp import nrRateMatchLDPC
    from py3gpp.nrDLSCHInfo import getZarray
    from py3gpp.nrLDPCEncode import _encode_thangaraj, _load_basegraph

    k = len(bits)
    lifting_set = next(i for i, sizes in enumerate(getZarray()) if z in sizes)
    message = np.zeros(10 * z, int)
    message[:k] = bits
    whole = _encode_thangaraj(_load_basegraph(lifting_set, 2), z, message).astype(int)
    whole[k : 10 * z] = -1  # filler
    return nrRateMatchLDPC(whole[2 * z :, None], n, 0, "BPSK", 1)


@pytest.mark.parametrize(
    ("k", "n"),
    [(256, 512), (296, 592), (296, 888), (256, 768), (40, 400), (100, 100), (600, 1300)],
)
def test_encoder_agrees_with_py3gpp(k, n):
    from py3gpp.nrDLSCHInfo import getCBSInfo

    code = Ldpc(k, n)
    assert code.lifting == getCBSInfo(k, 2)["Zc"]
    rng = np.random.default_rng(k + n)
    for bits in rng.integers(0, 2, (5, k), dtype=np.uint8):
        np.testing.assert_array_equal(code.encode(bits), py3gpp_codeword(bits, n, code.lifting))


@pytest.mark.parametrize(("k", "n"), [(700, 1000), (800, 1600)])
def test_encoder_agrees_with_py3gpps_public_encoder(k, n):
    from py3gpp import nrLDPCEncode, nrRateMatchLDPC

    code = Ldpc(k, n)
    bits = np.random.default_rng(k).integers(0, 2, k)
    filled = np.full((10 * code.lifting, 1), -1)
    filled[:k, 0] = bits
    expected = nrRateMatchLDPC(nrLDPCEncode(filled, 2), n, 0, "BPSK", 1)
    np.testing.assert_array_equal(code.encode(bits), expected)


@pytest.mark.parametrize(("k", "n"), [(256, 512), (296, 888), (12, 120), (100, 130), (700, 1000)])
def test_decoder_undoes_the_encoder(k, n):
    code = Ldpc(k, n)
    bits = np.random.default_rng(n).integers(0, 2, (3, 2, k), dtype=np.uint8)
    result = code.decode(8 * (1 - 2.0 * code.encode(bits)))
    np.testing.assert_array_equal(result.bits, bits)
    assert result.converged.shape == (3, 2) and result.converged.all()
    assert result.llr.dtype == np.float32


def test_repeated_bits_add_up():
    """More coded bits than the mother code has: the first ones are sent again."""
    code = Ldpc(40, 400)
    available = 50 * code.lifting - (10 * code.lifting - 40)  # all but the filler
    assert available < 400
    bits = np.random.default_rng(0).integers(0, 2, 40, dtype=np.uint8)
    coded = code.encode(bits)
    np.testing.assert_array_equal(coded[available:], coded[: 400 - available])
    llr = 4 * (1 - 2.0 * coded)
    llr[: 400 - available] = -llr[: 400 - available] / 2  # overruled by their repetition
    np.testing.assert_array_equal(code.decode(llr).bits, bits)


def test_one_frame_alone_gives_what_it_gives_in_a_batch():
    code = Ldpc(256, 512)
    rng = np.random.default_rng(5)
    llrs = awgn_llrs(code.encode(rng.integers(0, 2, (40, 256))), -1.6, rng)
    batch = code.decode(llrs)
    assert 0 < batch.converged.sum() < 40
    for i in range(40):
        alone = code.decode(llrs[i])
        np.testing.assert_array_equal(alone.bits, batch.bits[i])
        np.testing.assert_allclose(alone.llr, batch.llr[i], atol=0.02)
        assert alone.converged == batch.converged[i]


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        (2, 60),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_decoder_takes_any_number(llr):
    result = Ldpc(30, 60).decode(llr, iterations=10)
    assert np.isfinite(result.llr).all()
    assert np.abs(result.llr).max() <= LLR_LIMIT
    assert set(np.unique(result.bits)) <= {0, 1}


def test_infinite_certainty_is_a_codeword():
    code = Ldpc(256, 512)
    bits = np.random.default_rng(1).integers(0, 2, 256, dtype=np.uint8)
    llr = np.where(code.encode(bits) == 0, np.inf, -np.inf)
    np.testing.assert_array_equal(code.decode(llr).bits, bits)


def test_nothing_received_is_nothing_known():
    result = Ldpc(256, 512).decode(np.full(512, np.nan))
    np.testing.assert_array_equal(result.llr, 0)


@pytest.mark.parametrize(("k", "n", "name"), [(11, 60, "k"), (3841, 9000, "k"), (256, 255, "n")])
def test_impossible_sizes(k, n, name):
    with pytest.raises(ParameterError, match=f"^{name} must be"):
        Ldpc(k, n)


def test_no_frames_at_all():
    result = Ldpc(30, 60).decode(np.zeros((0, 60)))
    assert result.bits.shape == (0, 30) and result.converged.shape == (0,)


def test_wrong_shapes():
    code = Ldpc(256, 512)
    with pytest.raises(ParameterError, match="bits"):
        code.encode(np.zeros(255))
    with pytest.raises(ParameterError, match="llr"):
        code.decode(np.zeros((2, 511)))
    with pytest.raises(ParameterError, match="iterations"):
        code.decode(np.zeros(512), iterations=0)


def test_bound_is_where_the_literature_has_it():
    """k = 256, n = 512: 1e-1 at 0.67 dB and 1e-2 at 1.14 dB, to 0.02 dB."""
    for fer, ebn0 in ((1e-1, 0.67), (1e-2, 1.14)):
        esn0 = ebn0 + 10 * math.log10(256 / 512)
        assert normal_approximation(256, 512, esn0 + 0.02) < fer
        assert normal_approximation(256, 512, esn0 - 0.02) > fer


def test_capacity_of_bpsk():
    """Rate 1/2 needs an Eb/N0 of 0.187 dB, the Shannon limit of the binary-input AWGN channel."""
    assert capacity_and_dispersion(0.187 - 10 * math.log10(2))[0] == pytest.approx(0.5, abs=2e-4)
    capacity, dispersion = capacity_and_dispersion(12)
    assert capacity == pytest.approx(1, abs=1e-5) and dispersion == pytest.approx(0, abs=1e-4)


def test_wilson_interval():
    """The interval's ends are the proportions that are just 1.96 deviations from the measured."""
    for p in wilson(7, 100):
        assert abs(0.07 - p) == pytest.approx(1.95996 * math.sqrt(p * (1 - p) / 100), rel=1e-4)


@pytest.mark.parametrize(
    ("ebn0", "fer", "frames"), [(1.37, 1e-1, 2000), (1.86, 1e-2, 6000)], ids=["1e-1", "1e-2"]
)
def test_error_rate_at_the_operating_points(ebn0, fer, frames):
    """k = 256, n = 512, to 0.1 dB: the table's rate moves by a decade in 0.49 dB.

    The limits leave a code that is exactly at an edge one chance in a thousand.
    """
    tolerance = 10 ** (0.1 / 0.49)
    result = measure("raw", ebn0, frames, seed=1)
    assert result.errors <= binom.ppf(0.999, frames, fer * tolerance)
    assert result.errors >= binom.ppf(0.001, frames, fer / tolerance)
    assert result.bound < result.low  # better than the bound would be a wrong simulation
    assert result.undetected <= binom.ppf(0.999, frames, 1e-3)


def test_error_rates_of_the_link_profiles():
    """What the profiles reach, per payload bit, to 0.1 dB in the frame error rate."""
    for code, ebn0, fer in (("half", 2.0, 0.08), ("third", 1.0, 0.25)):
        result = measure(code, ebn0, 1000, seed=2)
        assert result.errors <= binom.ppf(0.999, 1000, fer * 1.6)
        assert result.errors >= binom.ppf(0.001, 1000, fer / 1.6)
        assert result.bound < result.low
        assert result.undetected <= binom.ppf(0.999, 1000, 1e-3)


@pytest.mark.parametrize("decades", [1, 1.5, 2])
@pytest.mark.parametrize(("code", "gain"), [("half", 0.0), ("third", 0.68)])
def test_the_profiles_are_where_the_code_puts_them(code, gain, decades):
    """Within 0.3 dB at three frame error rates of each: 10, 3 and 1 %.

    The code alone, 256 in 512 bits, has 10 % at 1.37 dB and 1 % at 1.86 dB; header and CRC, 40 bits
    for 256, cost 0.63 dB of energy, and rate 1/3 gains 0.68 dB.
    """
    slope = 0.49  # dB for each decade
    ebn0 = 1.37 + slope * (decades - 1) + 10 * math.log10(296 / 256) - gain
    frames = round(150 * 10**decades / 10)
    result = measure(code, ebn0, frames, seed=7)
    fer, tolerance = 10**-decades, 10 ** (0.3 / slope)
    assert result.errors <= binom.ppf(0.999, frames, fer * tolerance)
    assert result.errors >= binom.ppf(0.001, frames, fer / tolerance)
    assert result.bound < result.low


def test_third_reaches_further_than_half():
    assert measure("third", 1.5, 300).errors < measure("half", 1.5, 300).errors


def test_runs_are_repeatable():
    def counts(seed):
        point = measure("half", 1.5, 60, seed)
        return point.errors, point.undetected

    assert counts(3) == counts(3)


def test_command_prints_a_table_and_json(capsys):
    import json

    assert main(["--frames", "20", "--ebn0", "3", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [point["code"] for point in points] == ["raw", "half", "third"]
    assert main(["--frames", "20", "--ebn0", "3"]) == 0
    assert "one frame at a time" in capsys.readouterr().out


@pytest.mark.parametrize("bits", [128, 224])
def test_shorter_payloads_need_more_of_each_bit(bits):
    """Their header is as long: 40 bits take 0.63 dB of 256, and 1.18 dB of 128."""
    short, usual = measure("half", 2.0, 500, payload_bits=bits), measure("half", 2.0, 500)
    assert short.fer > usual.fer and short.bound > usual.bound
    assert short.bound < short.low
    ebn0 = 2.5 + 10 * math.log10((1 + 40 / bits) / (1 + 40 / 256))
    assert measure("half", ebn0, 500, payload_bits=bits).fer < 0.1


def test_command_sends_a_models_payloads(capsys):
    import json

    options = ["--model", "voice-profile", "--frames", "20", "--ebn0", "3", "--json"]
    assert main(options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["payload_bits"] == 128
    # Of the code by itself, of one size, there is nothing new to say.
    assert [point["code"] for point in found["points"]] == ["half", "third"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--frames", "0"], "--frames must be"),
        (["--seed", "-1"], "--seed must be"),
        (["--model", "none"], "model must be one of"),
    ],
)
def test_command_refuses_bad_input_in_one_line(options, said, capsys):
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err
