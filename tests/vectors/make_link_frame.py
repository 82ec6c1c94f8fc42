"""Writes link_frame.yaml, the test vectors of blocks/FORMAT.md: python make_link_frame.py

Every step of a frame is listed, so that another implementation can find where it differs. The
tests recompute each of them by other means.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from voicelink.blocks.callsign import callsign_slices
from voicelink.blocks.interleaver import Interleaver
from voicelink.blocks.ldpc import Ldpc
from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.profile import profiles
from voicelink.blocks.station import Identifier
from voicelink.blocks.voice import SILENCE, pieces_of
from voicelink.blocks.whitener import whitening

CALLSIGN = "N0CALL"
TEXT = "Grüße aus JO40: 73!"  # two pieces: the second begins with the last character
FRAMES = 9  # so that every slice of the callsign is seen, and the first one again


VOICE = bytes(range(100, 124))
VOICE_MODEL = 4  # voice-profile
SHORT = {224: 5, 128: VOICE_MODEL}  # payload bits, and the number of the model that has them
SHORT_TEXT = "73!"


def payloads(size: int = 32) -> list[bytes]:
    """Payloads that neither repeat nor are all alike: byte j of frame i is 37 i + 11 j mod 256."""
    return [bytes((37 * i + 11 * j) % 256 for j in range(size)) for i in range(FRAMES)]


def short(bits: int, model: int) -> dict:
    """The first two frames of models with shorter payloads, and a station frame of theirs."""
    encoders = {name: LinkEncoder(name, model, "", bits) for name in profiles(bits)}
    station = Identifier(CALLSIGN, SHORT_TEXT, bits // 8).start()
    return {
        "model": model,
        "frames": {
            name: [
                encoder.encode(payload, end=i == 1).data.tobytes().hex()
                for i, payload in enumerate(payloads(bits // 8)[:2])
            ]
            for name, encoder in encoders.items()
        },
        "checked_station": encoders["checked"].encode_station(station, 0).data.tobytes().hex(),
    }


def main() -> None:
    """Write the file next to this one."""
    result = {
        "callsign": CALLSIGN,
        "callsign_slices": callsign_slices(CALLSIGN).hex(),
        "whitening": np.packbits(whitening(888)).tobytes().hex(),
        "payloads": [payload.hex() for payload in payloads()],
        "profiles": {},
    }
    plain = LinkEncoder("checked", callsign=CALLSIGN)
    white = np.packbits(whitening(296))
    information = []
    for i, payload in enumerate(payloads()):
        frame = plain.encode(payload, end=i == FRAMES - 1).data
        information.append((frame ^ white).tobytes())
    result["information"] = [data.hex() for data in information]
    for name, profile in profiles().items():
        encoder = LinkEncoder(name, callsign=CALLSIGN if profile.header else "")
        entry = {}
        if profile.fec == "ldpc":
            code = Ldpc(profile.information_bits, profile.bits)
            bits = np.unpackbits(np.frombuffer(information[0], np.uint8))
            codeword = code.encode(bits)
            interleaved = Interleaver(profile.bits, *profile.interleaver).interleave(codeword)
            entry["codeword_of_first"] = np.packbits(codeword).tobytes().hex()
            entry["interleaved_of_first"] = np.packbits(interleaved).tobytes().hex()
        entry["frames"] = [
            encoder.encode(payload, end=i == FRAMES - 1).data.tobytes().hex()
            for i, payload in enumerate(payloads())
        ]
        result["profiles"][name] = entry
    identifier = Identifier(CALLSIGN, TEXT)
    stations = [identifier.start(), *identifier.finish()]
    checked = LinkEncoder("checked", callsign=CALLSIGN)
    result["text"] = TEXT
    result["stations"] = [station.pack().hex() for station in stations]
    result["checked_stations"] = [
        checked.encode_station(station, number).data.tobytes().hex()
        for number, station in zip((0, FRAMES + 1), stations, strict=True)
    ]
    result["short"] = {bits: short(bits, model) for bits, model in SHORT.items()}
    result["voice"] = VOICE.hex()
    pieces = pieces_of(VOICE, 16)
    pieces[1] = replace(pieces[1], place=SILENCE)
    checked = LinkEncoder("checked", VOICE_MODEL, payload_bits=128)
    result["voice_payloads"] = [piece.pack().hex() for piece in pieces]
    result["checked_voices"] = [
        checked.encode_voice(piece, number).data.tobytes().hex()
        for number, piece in zip((0, 9), pieces, strict=True)
    ]
    path = Path(__file__).with_name("link_frame.yaml")
    text = "# Made by make_link_frame.py; bits are packed most significant first. See FORMAT.md.\n"
    path.write_text(
        text + yaml.safe_dump(result, sort_keys=False, width=10000, allow_unicode=True),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
