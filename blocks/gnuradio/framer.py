"""Framer block: payload PDUs to link frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, OUT, PTT, from_bytes, switch, to_bytes
from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import END, PROFILE, packet_to_pdu, pdu_to_payload, pdu_to_voice
from voicelink.blocks.spread import Spreader
from voicelink.blocks.station import Identifier
from voicelink.blocks.sync_word import LONGEST, stream_frame
from voicelink.blocks.transmitter import voice_sender
from voicelink.blocks.voice import read_voice
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import ParameterError, require, true_or_false


class framer(Guarded, gr.basic_block):
    """Payloads to link frames: header, CRC, error correction, interleaver and whitener.

    With a model that sends the speaker's voice apart also voice frames: in front of an over if the
    voice is known then, else as soon as it is, and again in pauses for those who come late.

    Ports:
        message ``in``: payload PDUs, u8[32] (or f32[256] LLRs, which are decided; with other models
            as many as their payloads have), with ``number`` and ``end`` as the encoder gives them,
            and ``voice`` and ``silent``; without a number frames are counted from 0.
        message ``ptt``: what the encoder gets too; with ``identify``, #t sends the station frame
            that opens an over at once, while the first superframe is being spoken.
        message ``out``: link-frame PDUs, u8, packed bytes of the frame, with ``number``, ``end``
            and ``profile``. With ``sync_word`` they are pieces of a bit stream: a preamble before
            the first frame of an over, the sync word before each, a tail after the last.

    An over begins with the first PDU, after one with ``end``, and with one of number 0. A station
    frame in front of it has the number 0, and those of speech are one higher than their PDUs'.

    Args:
        profile: the link profile: "plain", "checked", "half" or "third".
        callsign: up to 9 characters of A-Z, 0-9, -, / and ., sent slice by slice; "" for none.
        model: the speech encoder's; its number stands in the header.
        voice: the encoder's file with the speaker's voice, if it has one: then the voice goes in
            front of the first over too.
        sync_word: make a bit stream for a modem that has no framing of its own.
        preamble: bytes, 0 to 4096; only with ``sync_word``.
        tail: bytes, 0 to 4096; only with ``sync_word``.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16: parts of several frames
            are in each PDU, 3 bytes more, and after the over's last frame come ``spread`` - 1 more.
        identify: send station frames, with callsign and text: at the end of each over, every ten
            minutes inside of one, and with ``ptt`` in front of it.
        text: a short text for station frames, up to 300 bytes of UTF-8 (with shorter payloads
            fewer: 240 in 28 bytes, 60 in 16).

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
        FormatError: there is no voice in that file.
    """

    def __init__(
        self,
        profile: str = "half",
        callsign: str = "",
        model: str | Path = DEFAULT,
        sync_word: bool = False,
        preamble: int = 0,
        tail: int = 0,
        spread: int = 1,
        identify: bool = False,
        text: str = "",
        voice: str | Path = "",
    ) -> None:
        self._preamble = int(require("preamble", preamble, 0, LONGEST))
        self._tail = int(require("tail", tail, 0, LONGEST))
        self._sync_word = true_or_false("sync_word", sync_word)
        if not self._sync_word and (self._preamble or self._tail):
            raise ParameterError("preamble and tail must be 0 without sync_word")
        if text and not identify:
            raise ParameterError("text must be empty without identify, which sends it")
        wanted = true_or_false("identify", identify)
        found = card(model)
        self._bits = found.payload_bits
        identifier = Identifier(callsign, text, found.payload_bytes) if wanted else None
        link = LinkEncoder(profile, found.number, callsign, found.payload_bits)
        sender = voice_sender(link, found, read_voice(voice or None))
        self._framer = LinkFramer(link, identifier, sender)
        self._spreader = Spreader(link.bits, spread)
        gr.basic_block.__init__(self, "voicelink_framer", None, None)
        self._begin()
        self.message_port_register_out(OUT)
        self.message_port_register_in(IN)
        self.message_port_register_in(PTT)
        self.set_msg_handler(IN, self._on_payload)
        self.set_msg_handler(PTT, self._on_ptt)

    def start(self) -> bool:
        """Begin a new over."""
        self._begin()
        return True

    def _begin(self) -> None:
        self._framer.reset()
        self._spreader.reset()
        self._first = True
        self._lead = 0  # frames in front of the over, and whether speech followed them
        self._spoken = False

    @guarded
    def _on_ptt(self, message: pmt.pmt_base) -> None:
        if switch(message) and self._first:
            frames = self._framer.start()
            self._lead = len(frames)
            self._send(frames)

    @guarded
    def _on_payload(self, message: pmt.pmt_base) -> None:
        data = to_bytes(message)
        payload, number, end = pdu_to_payload(data, self._bits)
        silent = False
        if number == 0 and self._spoken:
            self._begin()
        if self._framer.voice:
            voice, silent = pdu_to_voice(data)
            self._framer.voice.voice = voice or self._framer.voice.voice
            if not self._spoken and self._first:
                # Without a switch no station frame opens the over, but the voice has to.
                frames = self._framer.start(identify=False)
                self._lead = len(frames)
                self._send(frames)
        self._spoken = True
        number = None if number is None else number + self._lead
        if end:
            self._send(self._framer.finish(payload, number), end)
            self._begin()
        else:
            self._send([self._framer.frame(payload, number, silent)])

    def _send(self, frames: list[Packet], end: bool = False) -> None:
        packets = [self._spreader.push(frame) for frame in frames]
        if end:
            packets += self._spreader.flush()
        for packet in packets:
            self._publish(packet, self._first, end and packet is packets[-1])
            self._first = False

    def _publish(self, packet: Packet, first: bool, last: bool) -> None:
        data = packet.data
        if self._sync_word:
            stream = stream_frame(data.tobytes(), first, last, self._preamble, self._tail)
            data = np.frombuffer(stream, np.uint8)
        metadata = {END: last, PROFILE: self._framer.link.profile.name}
        self.message_port_pub(OUT, from_bytes(packet_to_pdu(Packet(data, packet.number, metadata))))
