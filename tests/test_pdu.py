"""Payload PDUs: what passes between the blocks of a flowgraph arrives as it left, or is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import (
    frame_to_pdu,
    payload_to_pdu,
    pdu_to_frame,
    pdu_to_payload,
    read_pdu,
)
from voicelink.blocks.pmt import Pair, serialize
from voicelink.blocks.status import Status
from voicelink.models.errors import FormatError, ParameterError

PAYLOAD = bytes(range(32))


def llrs(scale: float) -> np.ndarray:
    return np.float32(scale) * (
        1 - 2 * np.unpackbits(np.frombuffer(PAYLOAD, np.uint8)).astype("f4")
    )


def test_a_payload_comes_back_with_its_number_and_end() -> None:
    pdu = payload_to_pdu(PAYLOAD, 300, end=True, metadata={"station": "N0CALL"})
    assert pdu_to_payload(pdu) == (PAYLOAD, 300, True)
    assert read_pdu(pdu)[0] == {"station": "N0CALL", "end": True, "number": 300}
    frame, number = pdu_to_frame(pdu)
    assert (frame.status, frame.end, frame.sequence, number) == (Status.CLEAN, True, None, 300)


def test_a_payload_has_32_bytes() -> None:
    with pytest.raises(ParameterError, match="payload must be 32 bytes, not 31"):
        payload_to_pdu(PAYLOAD[1:])


@pytest.mark.parametrize("profile", ["plain", "checked", "half", "third"])
def test_a_decoded_frame_passes_with_all_that_is_known_of_it(profile: str) -> None:
    encoder = LinkEncoder(profile)
    packets = [encoder.encode(PAYLOAD, end=number == 2) for number in range(3)]
    decoded = LinkDecoder(profile).decode(packets[2])
    frame, number = pdu_to_frame(frame_to_pdu(decoded, packets[2].number))
    assert number == 2
    assert frame.status is Status.CLEAN
    assert np.array_equal(frame.payload_llr, decoded.payload_llr)
    assert (frame.sequence, frame.end) == ((None, False) if profile == "plain" else (2, True))
    assert (frame.corrected, frame.iterations) == (decoded.corrected, decoded.iterations)


def test_a_frame_that_failed_passes_its_likelihoods() -> None:
    noise = 1.1 * np.random.default_rng(0).standard_normal(592)
    signs = 1 - 2 * np.unpackbits(LinkEncoder("half").encode(PAYLOAD).data).astype(np.float32)
    decoded = LinkDecoder("half").decode(Packet((2 / 1.1**2 * (signs + noise)).astype(np.float32)))
    frame, number = pdu_to_frame(frame_to_pdu(decoded, metadata={"ebn0_db": 0.5}))
    assert decoded.status is frame.status is Status.SOFT
    assert number is None and frame.corrected is None
    assert np.array_equal(frame.payload_llr, decoded.payload_llr)


@pytest.mark.parametrize(
    ("scale", "status"),
    [(20, Status.CLEAN), (3, Status.SOFT), (0.1, Status.CONCEALED), (0, Status.CONCEALED)],
)
def test_llrs_without_a_status_are_judged_by_what_they_say(scale: float, status: Status) -> None:
    frame, _ = pdu_to_frame(serialize(Pair(None, llrs(scale))))
    assert frame.status is status


@pytest.mark.parametrize(
    ("metadata", "vector", "message"),
    [
        ({}, np.zeros(33, "u1"), "payload must be 32 u8 or 256 f32, not 33 of uint8"),
        ({}, np.zeros(32, "f4"), "payload must be 32 u8 or 256 f32, not 32 of float32"),
        ({}, np.full(256, np.nan, "f4"), "finite"),
        ({"number": -1}, np.zeros(32, "u1"), "number must be an integer from 0 to 2"),
        ({"number": True}, np.zeros(32, "u1"), "number must be of type int, not True"),
        ({"sequence": 256}, np.zeros(32, "u1"), "sequence must be an integer from 0 to 255"),
        ({"end": 1}, np.zeros(32, "u1"), "end must be of type bool, not 1"),
        ({"status": "good"}, np.zeros(32, "u1"), "status must be one of clean, .* not 'good'"),
        ({"callsign": 5}, np.zeros(32, "u1"), "callsign must be of type str"),
    ],
)
def test_what_is_no_payload_is_refused(metadata: dict, vector: np.ndarray, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        pdu_to_frame(serialize(Pair(metadata, vector)))


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["number", "end", "sequence", "status", "corrected", "callsign", "x"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(-5, 2**63), st.floats(), st.text(max_size=5)
        ),
    ),
    st.binary(max_size=300),
    st.integers(0, 3),
)
def test_nothing_but_a_format_error_comes_of_any_pdu(metadata: dict, tail: bytes, cut: int) -> None:
    pdu = serialize(Pair(metadata, np.zeros(32, np.uint8)))
    for data in (pdu, pdu[: len(pdu) - cut], tail, pdu[:20] + tail):
        try:
            frame, number = pdu_to_frame(data)
        except FormatError:
            continue
        assert frame.payload_llr.shape == (256,)
        assert number is None or number >= 0
