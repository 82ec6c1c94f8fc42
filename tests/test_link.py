"""The link frame from payload to packet and back: profiles, statuses, bad input, bursts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom

from voicelink.blocks.header import FrameType, Header
from voicelink.blocks.interleaver import Interleaver
from voicelink.blocks.link import (
    LinkDecoder,
    LinkEncoder,
    mean_reliability,
)
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile, profile_of_length, profiles
from voicelink.blocks.status import Status
from voicelink.link_sim.fer import awgn_llrs
from voicelink.models.card import RELIABLE_FROM
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.latents import CERTAIN

NAMES = ["plain", "checked", "half", "third"]
WITH_HEADER = NAMES[1:]
CODED = NAMES[2:]


def random_payloads(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def soft(bits: np.ndarray, magnitude: float = 6.0) -> np.ndarray:
    return (magnitude * (1 - 2.0 * bits)).astype(np.float32)


def payload_of(frame) -> bytes:
    return np.packbits(frame.payload_llr < 0).tobytes()


def test_profiles_have_the_rates_of_the_format():
    rates = {name: entry.bit_rate for name, entry in profiles().items()}
    assert rates == {"plain": 800, "checked": 925, "half": 1850, "third": 2775}
    assert [profile(name).rate for name in NAMES] == [1, 1, 1 / 2, 1 / 3]
    assert profile(profile("half")) is profile("half")


def test_the_length_tells_the_profile():
    for name in NAMES:
        assert profile_of_length(profile(name).bytes).name == name
    with pytest.raises(FormatError, match="32, 37, 74, 111 bytes, not 40"):
        profile_of_length(40)


def test_unknown_profile_names_the_near_ones():
    with pytest.raises(ParameterError, match="did you mean third"):
        LinkEncoder("thirds")


@pytest.mark.parametrize("name", NAMES)
def test_payloads_arrive_over_a_clean_channel(name):
    encoder, decoder = LinkEncoder(name), LinkDecoder(name)
    for number, payload in enumerate(random_payloads(20)):
        packet = encoder.encode(payload.tobytes())
        assert packet.number == number
        assert packet.data.dtype == np.uint8 and packet.bits == encoder.bits
        for sent in (packet, Packet(soft(np.unpackbits(packet.data), 20))):
            frame = decoder.decode(sent)
            assert frame.status is Status.CLEAN and frame.corrected == 0 and frame.understood
            assert frame.payload_llr.dtype == np.float32
            np.testing.assert_array_equal(np.abs(frame.payload_llr), CERTAIN)
            assert payload_of(frame) == payload.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_many_at_once_are_the_same_as_one_by_one(name):
    payloads = random_payloads(300)  # more than the sequence counts
    one, many = LinkEncoder(name), LinkEncoder(name)
    bits = many.encode_many(payloads)
    for row, payload in zip(bits, payloads, strict=True):
        np.testing.assert_array_equal(np.packbits(row), one.encode(payload.tobytes()).data)
    assert many.encode(bytes(32)).number == 300
    many.reset()
    assert many.encode(bytes(32)).number == 0


@pytest.mark.parametrize("name", WITH_HEADER)
def test_header_arrives(name):
    encoder = LinkEncoder(name, model=5, callsign="DL1ABC")
    frame = LinkDecoder(name, model=5).decode(encoder.encode(bytes(32), end=True))
    assert frame.header == Header(sequence=0, model=5, frame_type=FrameType.END)
    assert frame.understood


@pytest.mark.parametrize("name", WITH_HEADER)
def test_another_model_is_marked_and_handed_on(name):
    packet = LinkEncoder(name, model=7).encode(bytes(range(32)))
    frame = LinkDecoder(name, model=1).decode(packet)
    assert frame.header.model == 7 and not frame.understood
    assert payload_of(frame) == bytes(range(32))


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("hard", [True, False], ids=["hard", "soft"])
def test_wrong_bits_are_corrected_and_counted(name, hard):
    encoder, decoder = LinkEncoder(name), LinkDecoder(name)
    rng = np.random.default_rng(4)
    for wrong, payload in enumerate(random_payloads(9), 1):
        bits = np.unpackbits(encoder.encode(payload.tobytes()).data)
        bits[rng.choice(len(bits), wrong, replace=False)] ^= 1
        frame = decoder.decode(Packet(np.packbits(bits) if hard else soft(bits)))
        assert frame.status is Status.CORRECTED
        assert frame.corrected == wrong and frame.iterations >= 1
        assert payload_of(frame) == payload.tobytes()


def test_checked_notices_a_wrong_bit_and_keeps_what_is_likely():
    payload = bytes(range(32))
    packet = LinkEncoder("checked").encode(payload)
    data = packet.data.copy()
    data[10] ^= 0x10
    frame = LinkDecoder("checked", hard_bit_error_rate=0.1).decode(Packet(data))
    assert frame.status is Status.SOFT and frame.header is None and frame.corrected is None
    np.testing.assert_allclose(np.abs(frame.payload_llr), np.log(9), rtol=1e-6)
    wrong = np.unpackbits(np.frombuffer(payload_of(frame), np.uint8)) != np.unpackbits(
        np.frombuffer(payload, np.uint8)
    )
    assert wrong.sum() == 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_received_is_concealed(name):
    frame = LinkDecoder(name).decode(Packet(np.zeros(profile(name).bits, np.float32)))
    assert frame.status is Status.CONCEALED and frame.header is None
    np.testing.assert_array_equal(frame.payload_llr, 0)


def test_plain_goes_by_its_reliability():
    bits = np.unpackbits(np.frombuffer(bytes(range(32)), np.uint8))
    for magnitude, status in ((20, Status.CLEAN), (2, Status.SOFT), (0.2, Status.CONCEALED)):
        llr = soft(bits, magnitude)
        frame = LinkDecoder("plain").decode(Packet(llr))
        assert frame.status is status
        np.testing.assert_array_equal(frame.payload_llr, llr)


@pytest.mark.parametrize(("name", "ebn0"), [("half", 0.75), ("third", 0.25)])
def test_failed_frames_say_how_likely_their_bits_are(name, ebn0):
    """The posteriors of frames that fail must be honest: in every class of LLR the error rate is
    what the LLR says, to a factor of two, and the frame as a whole is better than guessing."""
    payloads = random_payloads(300, seed=8)
    bits = LinkEncoder(name).encode_many(payloads)
    esn0 = ebn0 + 10 * np.log10(256 / bits.shape[1])
    frames = LinkDecoder(name).decode_many(awgn_llrs(bits, esn0, np.random.default_rng(9)))
    failed = [i for i, frame in enumerate(frames) if frame.header is None]
    assert len(failed) > 100
    llr = np.array([frames[i].payload_llr for i in failed])
    wrong = (llr < 0) != np.unpackbits(payloads[failed], axis=1)
    assert all(frames[i].status is Status.SOFT for i in failed)
    for low, high in ((0, 0.5), (0.5, 1), (1, 2), (2, 3), (3, 4)):
        here = (np.abs(llr) >= low) & (np.abs(llr) < high)
        promised = (1 / (1 + np.exp(np.abs(llr[here])))).mean()
        assert promised / 2 < wrong[here].mean() < promised * 2


def test_reliability_is_between_nothing_and_all():
    assert mean_reliability(np.zeros(256, np.float32)) == pytest.approx(0)
    assert mean_reliability(np.full(256, -30, np.float32)) == pytest.approx(1)
    assert mean_reliability(np.full(256, 0.5, np.float32)) < RELIABLE_FROM


@pytest.mark.parametrize("name", CODED)
def test_interleaver_spreads_a_burst(name):
    """An eighth of the frame wiped out anywhere must cost no more than scattered bits do."""
    chosen = profile(name)
    rng = np.random.default_rng(3)
    bits = LinkEncoder(name).encode_many(random_payloads(400))
    ebn0 = {"half": 3.4, "third": 2.5}[name]
    llrs = awgn_llrs(bits, ebn0 + 10 * np.log10(256 / chosen.bits), rng)
    position = np.arange(chosen.bits)
    burst = (position - rng.integers(0, chosen.bits, (400, 1))) % chosen.bits < chosen.bits // 8
    decoder = LinkDecoder(name)
    failed = sum(f.header is None for f in decoder.decode_many(np.where(burst, 0, llrs)))
    # Back to back, the burst would lie in one stretch of the codeword.
    order = Interleaver(chosen.bits, *chosen.interleaver).order
    stretch = burst[:, order]
    together = sum(f.header is None for f in decoder.decode_many(np.where(stretch, 0, llrs)))
    assert failed <= binom.ppf(0.999, 400, 0.04)
    assert failed < together


def test_interleaver_is_a_permutation_or_refused():
    interleaver = Interleaver(592, 57, 74)
    data = np.arange(592)
    np.testing.assert_array_equal(interleaver.deinterleave(interleaver.interleave(data)), data)
    with pytest.raises(ParameterError, match="permute"):
        Interleaver(592, 2, 0)


@pytest.mark.parametrize("payload", [b"", bytes(31), bytes(33), "x" * 32, 5, None])
def test_encoder_refuses_what_is_no_payload(payload):
    encoder = LinkEncoder()
    with pytest.raises(ParameterError, match="payload must be 32 bytes"):
        encoder.encode(payload)
    assert encoder.encode(bytes(32)).number == 0


@pytest.mark.parametrize(
    "payloads", [np.zeros((2, 31), np.uint8), np.zeros(32, np.uint8), np.zeros((2, 32))]
)
def test_encoder_refuses_other_arrays(payloads):
    with pytest.raises(ParameterError, match="payloads must be uint8"):
        LinkEncoder().encode_many(payloads)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"model": 16}, "model"),
        ({"callsign": "TOOLONGCALL"}, "callsign"),
        ({"profile": "plain", "callsign": "DL1ABC"}, "callsign"),
    ],
)
def test_encoder_refuses_settings(arguments, name):
    with pytest.raises(ParameterError, match=f"^{name} must be"):
        LinkEncoder(**arguments)


@pytest.mark.parametrize("rate", [0, 0.6, float("nan"), "x"])
def test_decoder_refuses_bit_error_rates(rate):
    with pytest.raises(ParameterError, match="hard_bit_error_rate"):
        LinkDecoder(hard_bit_error_rate=rate)


anything = st.one_of(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.float16, np.float32, np.float64, np.complex64]),
        st.one_of(
            st.sampled_from([(32,), (37,), (74,), (111,), (256,), (296,), (592,), (888,), (0,)]),
            hnp.array_shapes(min_dims=0, max_dims=3, max_side=40),
        ),
    ),
    st.binary(max_size=120),
    st.none(),
    st.lists(st.integers(), max_size=5),
    st.just(np.array(["a", None], object)),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), anything)
def test_nothing_received_raises_anything_but_format_errors(name, data):
    try:
        frame = LinkDecoder(name).decode(Packet(data))
    except FormatError:
        return
    assert np.isfinite(frame.payload_llr).all() and frame.payload_llr.shape == (256,)
    assert isinstance(frame.status, Status)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(NAMES).flatmap(
        lambda name: st.tuples(
            st.just(name),
            hnp.arrays(np.float32, profile(name).bits, elements=st.floats(width=32)),
        )
    )
)
def test_any_llrs_give_a_frame(case):
    name, llr = case
    frame = LinkDecoder(name).decode(Packet(llr))
    assert np.isfinite(frame.payload_llr).all()


@settings(max_examples=40, deadline=None)
@given(anything)
def test_many_at_once_raise_only_format_errors(data):
    try:
        LinkDecoder("half").decode_many(data)
    except FormatError:
        return


@pytest.mark.parametrize(("name", "frames"), [("checked", 40000), ("half", 300), ("third", 200)])
def test_noise_is_not_taken_for_a_frame(name, frames):
    """Random bits pass a 16-bit CRC once in 65536 times."""
    rng = np.random.default_rng(6)
    decoder = LinkDecoder(name)
    accepted = 0
    for start in range(0, frames, 2000):
        count = min(2000, frames - start)
        llrs = soft(rng.integers(0, 2, (count, profile(name).bits)), 3.9)
        accepted += sum(frame.header is not None for frame in decoder.decode_many(llrs))
    assert accepted <= binom.ppf(0.9999, frames, 2.0**-16)


@pytest.mark.parametrize("name", ["half", "third", "checked"])
def test_a_frame_reread(name):
    """What the code says of the bits on the air, for a demodulator that tries again with them."""
    random = np.random.default_rng(31)
    encoder, decoder = LinkEncoder(name), LinkDecoder(name)
    sent = encoder.encode_many(random.integers(0, 256, (20, 32), dtype=np.uint8))
    for bits in sent:
        right, posterior = decoder.reread(6.0 * (1 - 2.0 * bits))
        assert right and np.array_equal(posterior < 0, bits == 1)
    if name == "checked":
        return
    # Near the code's limit: the posteriors of a frame that is read have no errors at all, and on
    # average those of one that is not have fewer than came in.
    ratio = 10 ** (0.1 * (1.6 if name == "half" else 1.0)) * 256 / len(sent[0])
    came = left = 0
    for bits in sent:
        noisy = 1 - 2.0 * bits + random.standard_normal(len(bits)) / np.sqrt(2 * ratio)
        right, posterior = decoder.reread(4 * ratio * noisy)
        errors = np.sum((posterior < 0) != bits)
        assert errors == 0 or not right
        came, left = came + np.sum((noisy < 0) != bits), left + errors
    assert 0 < left < 0.8 * came
