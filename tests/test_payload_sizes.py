"""Models with shorter payloads: the same link around them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from voicelink.blocks.interleaver import Interleaver
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.modem import Demodulator, Modulator, modes
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import (
    frame_to_pdu,
    packet_to_pdu,
    payload_to_pdu,
    pdu_to_frame,
    pdu_to_payload,
)
from voicelink.blocks.profile import payload_sizes, profile, profile_of_length
from voicelink.blocks.snr import ebn0_db
from voicelink.blocks.spread import LABEL_BITS, Gatherer, Spreader, packet_lengths
from voicelink.blocks.station import Identifier, StationReader
from voicelink.blocks.status import Status
from voicelink.blocks.stream_items import as_frame
from voicelink.blocks.sync import FrameSync
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.zeromq_messages import SENT_FORMS, MessageReader, MessageWriter
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.compose import channels_from
from voicelink.link_sim.fer import awgn_llrs, normal_approximation
from voicelink.models.card import card
from voicelink.models.errors import FormatError, ParameterError

SIZES = [256, 224, 128]
SHORT = SIZES[1:]
NAMES = ["plain", "checked", "half", "third"]
CODED = NAMES[2:]


def random_payloads(bits: int, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, bits // 8), dtype=np.uint8)


def payload_of(frame) -> bytes:
    return np.packbits(frame.payload_llr < 0).tobytes()


def test_frames_have_40_bits_more_and_codes_two_or_three_times_that() -> None:
    assert payload_sizes() == SIZES
    for bits in SIZES:
        lengths = [profile(name, bits).bits for name in NAMES]
        assert lengths == [bits, bits + 40, 2 * (bits + 40), 3 * (bits + 40)]
        assert [profile(name, bits).rate for name in NAMES] == [1, 1, 1 / 2, 1 / 3]
    assert profile("half") is profile("half", 256)
    with pytest.raises(ParameterError, match="payloads on the link must have 128, 224, 256 bits"):
        LinkEncoder("half", payload_bits=192)


@pytest.mark.parametrize("bits", SIZES)
def test_lengths_tell_the_profile_within_a_size(bits: int) -> None:
    assert len(set(packet_lengths(bits))) == 8
    for name in NAMES:
        assert profile_of_length(profile(name, bits).bytes, bits).name == name
    # Nor is a number of bits one of bytes.
    assert not {length // 8 for length in packet_lengths(bits)} & set(packet_lengths(bits))
    with pytest.raises(FormatError, match="must have one of"):
        profile_of_length(1 + bits // 8, bits)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bits", SHORT)
def test_payloads_arrive(name: str, bits: int) -> None:
    encoder = LinkEncoder(name, 5, payload_bits=bits)
    decoder = LinkDecoder(name, 5, payload_bits=bits)
    payloads = random_payloads(bits, 9)
    many = LinkEncoder(name, 5, payload_bits=bits).encode_many(payloads)
    for number, payload in enumerate(payloads):
        packet = encoder.encode(payload.tobytes())
        assert packet.bits == profile(name, bits).bits and packet.number == number
        np.testing.assert_array_equal(np.unpackbits(packet.data), many[number])
        soft = (20 * (1 - 2.0 * many[number])).astype(np.float32)
        if name in CODED:
            soft[5 * number : 5 * number + 6] *= -1
        frame = decoder.decode(Packet(soft))
        assert payload_of(frame) == payload.tobytes()
        assert frame.status is (Status.CORRECTED if name in CODED else Status.CLEAN)
    with pytest.raises(ParameterError, match=f"payload must be {bits // 8} bytes, not 32"):
        encoder.encode(bytes(32))


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("bits", SHORT)
def test_the_interleavers_spread_a_burst(name: str, bits: int) -> None:
    """An eighth of the frame wiped out anywhere costs less than in a single stretch."""
    chosen = profile(name, bits)
    order = Interleaver(chosen.bits, *chosen.interleaver).order
    # Of any burst, no eighth of the codeword gets more than a third.
    worst, eighth = 0, chosen.bits // 8
    for first in range(0, chosen.bits, 7):
        hit = np.zeros(chosen.bits, int)
        hit[order[(first + np.arange(eighth)) % chosen.bits]] = 1
        window = np.convolve(np.concatenate([hit, hit[:eighth]]), np.ones(eighth, int), "valid")
        worst = max(worst, int(window.max()))
    assert worst <= eighth / 3

    rng = np.random.default_rng(3)
    sent = LinkEncoder(name, payload_bits=bits).encode_many(random_payloads(bits, 150))
    ebn0 = {"half": 4.3, "third": 3.4}[name]
    llrs = awgn_llrs(sent, ebn0 + 10 * np.log10(bits / chosen.bits), rng)
    position = np.arange(chosen.bits)
    burst = (position - rng.integers(0, chosen.bits, (150, 1))) % chosen.bits < eighth
    decoder = LinkDecoder(name, payload_bits=bits)
    failed, together = (
        sum(f.header is None for f in decoder.decode_many(np.where(here, 0, llrs)))
        for here in (burst, burst[:, order])
    )
    assert failed <= binom.ppf(0.999, 150, 0.04)
    assert failed < together


@pytest.mark.parametrize(
    ("bits", "name", "ebn0"), [(128, "half", 2.5), (128, "third", 1.75), (224, "half", 2.0)]
)
def test_the_codes_reach_as_near_to_the_bound_as_the_long_ones(bits, name, ebn0) -> None:
    """Within 1 dB of the normal approximation for all that is encoded, as with 256 bits."""
    frames = 300
    sent = LinkEncoder(name, payload_bits=bits).encode_many(random_payloads(bits, frames, 8))
    k, n = bits + 40, sent.shape[1]
    esn0 = ebn0 + 10 * np.log10(bits / n)
    decoder = LinkDecoder(name, payload_bits=bits)
    failed = sum(
        frame.header is None
        for frame in decoder.decode_many(awgn_llrs(sent, esn0, np.random.default_rng(5)))
    )
    assert failed <= binom.ppf(0.999, frames, normal_approximation(k, n, esn0 - 1.0))
    assert failed > binom.ppf(0.999, frames, normal_approximation(k, n, esn0))


@pytest.mark.parametrize("bits", SHORT)
def test_frames_that_are_spread_survive_lost_packets(bits: int) -> None:
    link, decoder = LinkEncoder("half", payload_bits=bits), LinkDecoder("half", payload_bits=bits)
    spreader, gatherer = Spreader(link.bits, 4), Gatherer(bits)
    payloads = random_payloads(bits, 12)
    packets = [spreader.push(link.encode(p.tobytes())) for p in payloads] + spreader.flush()
    assert packets[0].bits == link.bits + LABEL_BITS
    found = {}
    for n, packet in enumerate(packets):
        if n % 5 != 2:  # each frame loses a quarter at most
            found |= {f.number: decoder.decode(f) for f in gatherer.push(packet)}
    assert {n: payload_of(f) for n, f in found.items()} == {
        n: payload.tobytes() for n, payload in enumerate(payloads)
    }


@pytest.mark.parametrize("bits", SHORT)
def test_a_bit_stream_is_synchronised(bits: int) -> None:
    link = LinkEncoder("half", payload_bits=bits)
    payloads = random_payloads(bits, 5)
    frames = [link.encode(payload.tobytes(), end=n == 4) for n, payload in enumerate(payloads)]
    data = b"".join(stream_frame(f.data.tobytes(), f.number == 0, False, 16) for f in frames)
    symbols = 1 - 2.0 * np.unpackbits(np.frombuffer(data, np.uint8))
    noise = np.random.default_rng(1).normal(scale=0.5, size=len(symbols) + 900)
    noise[: len(symbols)] += symbols
    found = FrameSync("half", payload_bits=bits).push(noise)
    assert [f.packet.number for f in found] == [0, 1, 2, 3, 4]
    # Es/N0 of 3 dB, and bits / n of it for each bit of the payload.
    expected = 3.01 + 10 * np.log10(link.bits / bits)
    assert np.mean([f.ebn0_db for f in found]) == pytest.approx(expected, abs=0.7)
    assert np.mean([ebn0_db(f.packet.data, bits) for f in found]) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("bits", SHORT)
def test_a_text_takes_more_frames(bits: int) -> None:
    size = bits // 8
    text = "Grüße, 73!"  # 12 bytes
    framer = LinkFramer(LinkEncoder("checked", 4, "N0CALL", bits), Identifier("N0CALL", text, size))
    frames = framer.start() + framer.finish(bytes(size))
    reader, decoder = StationReader(), LinkDecoder("checked", 4, payload_bits=bits)
    decoded = [decoder.decode(frame) for frame in frames]
    said = [frame.station for frame in decoded if frame.station]
    for station in said:
        reader.add(station)
    assert (reader.callsign, reader.text) == ("N0CALL", text)
    assert len(said) == max(2, -(-len(text.encode()) // (size - 12)))  # one at each end
    with pytest.raises(ParameterError, match=f"text must be at most {15 * (size - 12)} bytes"):
        Identifier("N0CALL", "z" * 241, size)
    with pytest.raises(ParameterError, match="identifier must be made for payloads of 32 bytes"):
        LinkFramer(LinkEncoder("checked"), Identifier("N0CALL", "", size))


@pytest.mark.parametrize("bits", SHORT)
def test_pdus_carry_them(bits: int) -> None:
    payload = random_payloads(bits, 1)[0].tobytes()
    pdu = payload_to_pdu(payload, 7, True, payload_bits=bits)
    assert pdu_to_payload(pdu, bits) == (payload, 7, True)
    link = LinkEncoder("half", payload_bits=bits)
    packet = link.encode(payload)
    assert as_frame(Packet(np.unpackbits(packet.data)), packet_lengths(bits)).bits == link.bits
    decoded = LinkDecoder("half", payload_bits=bits).decode(packet)
    frame, number = pdu_to_frame(frame_to_pdu(decoded, 3), bits)
    assert (payload_of(frame), number) == (payload, 3)
    with pytest.raises(FormatError, match="a payload must be 32 u8 or 256 f32"):
        pdu_to_frame(pdu)


@pytest.mark.parametrize("form", ["raw", "pdu", "tagged"])
@pytest.mark.parametrize("first", ["07", "f05f01", "f05f010a"])
def test_messages_with_frames_of_other_models_are_told_apart_from_all_else(
    form: str, first: str
) -> None:
    """Also where they begin as a PDU or a tag header does, as spread packets of a label do."""
    bits = card("voice-profile").payload_bits
    spreader = Spreader(profile("half", bits).bits, 4)
    frame = LinkEncoder("half", payload_bits=bits).encode(bytes(bits // 8))
    for packet in (frame, spreader.push(frame)):
        begun = bytes.fromhex(first) + packet.data.tobytes()[len(first) // 2 :]
        packet = Packet(np.frombuffer(begun, np.uint8))
        message = MessageWriter(form, bits).write(packet)
        (found,) = MessageReader("auto", "bytes", None, pytest.fail, others=True).read(message)
        assert found.data.tobytes() == begun
    soft = packet_to_pdu(Packet(np.ones(packet.bits, np.float32), 3))
    (found,) = MessageReader("auto", "bytes", None, pytest.fail, others=True).read(soft)
    assert found.soft and (found.bits, found.number) == (packet.bits, 3)


@pytest.mark.parametrize("form", SENT_FORMS)
@pytest.mark.parametrize("bits", SHORT)
def test_messages_carry_them(form: str, bits: int) -> None:
    """And one who was not told of the model takes them for no frames."""
    link = LinkEncoder("half", payload_bits=bits)
    packets = [link.encode(payload.tobytes()) for payload in random_payloads(bits, 4)]
    writer = MessageWriter(form, bits)
    messages = [writer.write(packet) for packet in packets]
    received = "stream" if form == "stream" else "auto"
    reader = MessageReader(received, "bytes", "half", pytest.fail, payload_bits=bits)
    found = [packet for message in messages for packet in reader.read(message)]
    assert [p.data.tobytes() for p in found] == [p.data.tobytes() for p in packets]
    if form == "stream":  # there the CRC tells
        return
    refused: list[FormatError] = []
    other = MessageReader(received, "bytes", "half", refused.append)
    for message in messages:
        try:
            assert other.read(message) == []
        except FormatError as error:
            refused.append(error)
    assert len(refused) == len(messages)


@pytest.mark.parametrize("mode", modes())
@pytest.mark.parametrize("bits", SHORT)
def test_bursts_of_the_modem_take_as_long(mode: str, bits: int) -> None:
    """Fewer symbols in 320 ms, so less bandwidth; found in noise, off by 40 Hz."""
    usual, layout = modes()[mode].layout(), modes()[mode].layout(1, bits)
    assert layout.bits == profile(layout.mode.profile, bits).bits
    assert layout.bandwidth < usual.bandwidth
    assert layout.symbols - len(layout.data_at) == usual.symbols - len(usual.data_at)
    modulator = Modulator(mode, payload_bits=bits)
    demodulator = Demodulator(mode, payload_bits=bits)
    link = LinkEncoder(layout.mode.profile, payload_bits=bits)
    packets = [link.encode(payload.tobytes()) for payload in random_payloads(bits, 3)]
    signal = np.concatenate([*map(modulator.modulate, packets), modulator.finish()])
    signal = np.concatenate([np.zeros(3000), signal, np.zeros(4000)])
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(2, len(signal))) * 0.5
    signal = signal * np.exp(2j * np.pi * 40 * np.arange(len(signal)) / 8000)
    bursts = demodulator.push(signal + noise[0] + 1j * noise[1])
    decoder = LinkDecoder(layout.mode.profile, payload_bits=bits)
    assert [decoder.decode(b.packet).sequence for b in bursts] == [0, 1, 2]


def test_noise_is_counted_by_the_payload() -> None:
    """Eb/N0 is for each payload bit: of 128 bits in 168 that are sent, as of 256 in 296."""
    for bits in (256, 128):
        chain = ChannelChain(channels_from(["awgn:ebn0_db=4"]))
        chain.carry(bits)
        sent = np.zeros(21 if bits == 128 else 37, np.uint8)
        for n in range(300):
            chain.push(n, Packet(sent))
        llrs = np.concatenate([packet.data for _, packet in chain.flush()])
        # The mean of BPSK's LLRs is 4 Es/N0.
        assert llrs.mean() == pytest.approx(4 * 10**0.4 * bits / (bits + 40), rel=0.03)
