"""The test vectors of blocks/FORMAT.md, each step recomputed by other means than the blocks'."""

import binascii
from pathlib import Path

import numpy as np
import pytest
import yaml
from test_ldpc import py3gpp_codeword

from voicelink.blocks.header import Header
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile_of_length, profiles
from voicelink.blocks.status import Status

HERE = Path(__file__).parent
VECTORS = yaml.safe_load((HERE / "vectors/link_frame.yaml").read_text("utf-8"))
FRAMES = len(VECTORS["payloads"])
INTERLEAVER = {"half": (57, 74), "third": (55, 222)}  # as FORMAT.md's table says


SHORT = {  # payload bits: lifting size, and the interleaver of each profile
    224: (36, {"half": (83, 66), "third": (89, 66)}),
    128: (28, {"half": (61, 42), "third": (61, 42)}),
}


def unhex(text: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), np.uint8)


def test_whitening_is_the_published_sequence():
    white = unhex(VECTORS["whitening"])
    assert white[:8].tobytes() == bytes.fromhex("FF480EC09A0D70BC")
    bits = np.unpackbits(white)
    np.testing.assert_array_equal(bits[255:], bits[: 888 - 255])
    np.testing.assert_array_equal(bits[8:], (bits[:-8] + bits[3:-5] + bits[5:-3] + bits[7:-1]) % 2)


def test_callsign_slices():
    letters = " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/."
    number = sum(letters.index(c) * 40**i for i, c in enumerate(VECTORS["callsign"]))
    packed = number.to_bytes(6, "big")
    crc = binascii.crc_hqx(packed, 0xFFFF).to_bytes(2, "big")
    assert VECTORS["callsign_slices"] == (packed + crc).hex()


@pytest.mark.parametrize("number", range(FRAMES))
def test_header_payload_and_crc(number):
    last = number == FRAMES - 1
    callsign_slice = bytes.fromhex(VECTORS["callsign_slices"])[number % 8]
    data = bytes([0x11 if last else 0x01, number, callsign_slice])
    data += bytes.fromhex(VECTORS["payloads"][number])
    crc = binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")
    assert VECTORS["information"][number] == (data + crc).hex()


def test_plain_is_the_payload():
    assert VECTORS["profiles"]["plain"]["frames"] == VECTORS["payloads"]


def test_checked_is_whitened():
    white = unhex(VECTORS["whitening"])[:37]
    for information, frame in zip(
        VECTORS["information"], VECTORS["profiles"]["checked"]["frames"], strict=True
    ):
        assert (unhex(information) ^ white).tobytes().hex() == frame


@pytest.mark.parametrize("name", ["half", "third"])
def test_coded_frames(name):
    """LDPC by py3gpp, interleaver by its formula, whitener by the published sequence."""
    entry, n = VECTORS["profiles"][name], profiles()[name].bits
    white = unhex(VECTORS["whitening"])[: n // 8]
    a, b = INTERLEAVER[name]
    order = [(a * i + b * i * i) % n for i in range(n)]
    for information, frame in zip(VECTORS["information"], entry["frames"], strict=True):
        codeword = py3gpp_codeword(np.unpackbits(unhex(information)), n, 40).astype(np.uint8)
        interleaved = np.packbits(codeword[order])
        assert (interleaved ^ white).tobytes().hex() == frame
        if information == VECTORS["information"][0]:
            assert np.packbits(codeword).tobytes().hex() == entry["codeword_of_first"]
            assert interleaved.tobytes().hex() == entry["interleaved_of_first"]


@pytest.mark.parametrize("name", ["plain", "checked", "half", "third"])
def test_blocks_make_and_read_these_frames(name):
    header = profiles()[name].header
    encoder = LinkEncoder(name, callsign=VECTORS["callsign"] if header else "")
    decoder = LinkDecoder(name)
    for number, text in enumerate(VECTORS["profiles"][name]["frames"]):
        payload = bytes.fromhex(VECTORS["payloads"][number])
        packet = encoder.encode(payload, end=number == FRAMES - 1)
        assert packet.data.tobytes().hex() == text
        assert profile_of_length(len(packet.data)).name == name
        frame = decoder.decode(Packet(unhex(text)))
        assert frame.status is Status.CLEAN
        assert np.packbits(frame.payload_llr < 0).tobytes() == payload
        if header:
            assert frame.header == Header.unpack(bytes.fromhex(VECTORS["information"][number]))
            assert frame.header.end == (number == FRAMES - 1)


def test_station_frames():
    """Callsign, numbers, text and mark of the payload; header, CRC and whitener around it."""
    callsign = bytes.fromhex(VECTORS["callsign_slices"])[:6]
    text = VECTORS["text"].encode()
    tag = binascii.crc_hqx(text, 0xFFFF) & 15
    slices = bytes.fromhex(VECTORS["callsign_slices"])
    white = unhex(VECTORS["whitening"])[:37]
    # In front of the over, and the first behind its frames 1 .. 9.
    rows = [(0, 0, 0, text[:20]), (FRAMES + 1, 1, 1, text[20:])]
    for i, (number, piece, place, part) in enumerate(rows):
        payload = callsign + bytes([piece << 4 | 2, place << 4 | tag]) + part.ljust(20, b"\0")
        payload += bytes.fromhex("1ACFFC1D")
        assert VECTORS["stations"][i] == payload.hex()
        data = bytes([0x21, number, slices[number % 8]]) + payload
        data += binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")
        sent = VECTORS["checked_stations"][i]
        assert (np.frombuffer(data, np.uint8) ^ white).tobytes().hex() == sent
        frame = LinkDecoder("checked").decode(Packet(unhex(sent)))
        assert frame.station.callsign == VECTORS["callsign"]
        assert (frame.station.text, frame.station.place) == (part.decode(), place)


@pytest.mark.parametrize("bits", SHORT)
def test_shorter_payloads(bits):
    """Header, payload, CRC, py3gpp's code, interleaver and whitener; and a station frame."""
    entry, white = VECTORS["short"][bits], unhex(VECTORS["whitening"])
    lifting, interleavers = SHORT[bits]
    for number, end in ((0, False), (1, True)):
        payload = bytes.fromhex(VECTORS["payloads"][number])[: bits // 8]
        data = bytes([0x10 * end + entry["model"], number, 0]) + payload
        data += binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")
        information = np.frombuffer(data, np.uint8)
        frames = {name: frames[number] for name, frames in entry["frames"].items()}
        assert frames["plain"] == payload.hex()
        assert frames["checked"] == (information ^ white[: len(data)]).tobytes().hex()
        for name, (a, b) in interleavers.items():
            n = profiles(bits)[name].bits
            order = [(a * i + b * i * i) % n for i in range(n)]
            codeword = py3gpp_codeword(np.unpackbits(information), n, lifting).astype(np.uint8)
            sent = (np.packbits(codeword[order]) ^ white[: n // 8]).tobytes().hex()
            assert frames[name] == sent
            frame = LinkDecoder(name, entry["model"], payload_bits=bits).decode(Packet(unhex(sent)))
            assert np.packbits(frame.payload_llr < 0).tobytes() == payload
    station = LinkDecoder("checked", 1, payload_bits=bits).decode(
        Packet(unhex(entry["checked_station"]))
    )
    assert (station.station.callsign, station.station.text) == (VECTORS["callsign"], "73!")


def test_voice_frames():
    """Place, piece, pieces, tag, piece of the voice, mark; in front of an over, and in a pause."""
    voice = bytes.fromhex(VECTORS["voice"])
    tag = binascii.crc_hqx(voice, 0xFFFF) & 0xFF
    white = unhex(VECTORS["whitening"])[:21]
    for piece, (place, number) in enumerate([(0, 0), (1, 9)]):
        head = bytes([place << 6 | piece << 3 | 2, tag])
        payload = head + voice[12 * piece :][:12] + bytes.fromhex("03E2")
        assert VECTORS["voice_payloads"][piece] == payload.hex()
        data = bytes([0x34, number, 0]) + payload
        data += binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")
        sent = VECTORS["checked_voices"][piece]
        assert (np.frombuffer(data, np.uint8) ^ white).tobytes().hex() == sent
        frame = LinkDecoder("checked", 4, payload_bits=128, voices=True).decode(Packet(unhex(sent)))
        assert (frame.voice.piece, frame.voice.place) == (piece, place)
        assert frame.voice.data == voice[12 * piece :][:12]


def test_the_example_of_the_page():
    page = (HERE.parent / "blocks/FORMAT.md").read_text()
    assert VECTORS["information"][0] in page
    assert VECTORS["profiles"]["checked"]["frames"][0] in page
    for name, (a, b) in INTERLEAVER.items():
        assert f"| `{name}`, n = {profiles()[name].bits} | {a} | {b} |" in page
    for bits, (_, interleavers) in SHORT.items():
        for name, (a, b) in interleavers.items():
            assert f"| `{name}`, n = {profiles(bits)[name].bits} | {a} | {b} |" in page


def test_the_script_makes_this_file(tmp_path, monkeypatch):
    import runpy

    script = tmp_path / "make_link_frame.py"
    script.write_text((HERE / "vectors/make_link_frame.py").read_text())
    runpy.run_path(str(script), run_name="__main__")
    made = (tmp_path / "link_frame.yaml").read_text("utf-8")
    assert made == (HERE / "vectors/link_frame.yaml").read_text("utf-8")
