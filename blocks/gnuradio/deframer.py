"""Deframer block: link frames to payloads, and what became of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pmt
from gnuradio import gr

from voicelink.blocks.auto_link import AUTO, AutoLinkDecoder
from voicelink.blocks.callsign import CallsignCollector
from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, from_bytes, to_bytes
from voicelink.blocks.header import Header
from voicelink.blocks.link import LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import CALLSIGN, EBN0_DB, END, PROFILE, frame_to_pdu, pdu_to_packet
from voicelink.blocks.pmt import serialize
from voicelink.blocks.receiver import AHEAD, STRAGGLERS
from voicelink.blocks.snr import ebn0_db
from voicelink.blocks.spread import Gatherer, packet_lengths
from voicelink.blocks.station import START, Station, StationReader
from voicelink.blocks.status import Status
from voicelink.blocks.stream_items import as_frame
from voicelink.models.card import DEFAULT, card

_OK = pmt.intern("ok")
_FAIL = pmt.intern("fail")
_STATION = pmt.intern("station")
_CONFIRMED = (Status.CLEAN, Status.CORRECTED)


class deframer(Guarded, gr.basic_block):
    """Link frames to payloads, by error correction and CRC.

    Ports:
        message ``in``: link-frame PDUs: u8, packed bytes (32, 37, 74 or 111; other models have
            shorter frames) or one bit a byte (256, 296, 592 or 888); or f32, LLRs log(P(0) / P(1)),
            one for each bit. Where frames
            are spread over several packets, which their length tells (3 bytes or 24 bits more), a
            frame comes out with the packet that has its last part, or one after that: there is no
            clock here, so where the last packet of an over is lost its last frame stays out. Of the
            metadata ``number`` and ``ebn0_db`` are handed on, and with the profile "plain" ``end``.
        message ``ok``: payload PDUs, u8[32], of frames whose CRC is right (of the profile "plain",
            which has none: all hard ones, and soft ones that are sure of their bits).
        message ``fail``: payload PDUs, f32[256], of the others: the LLRs of the payload's bits
            after error correction, for the decoder to make the best of. Of a model that sends the
            speaker's voice apart, what has ``speaker`` #t is a voice frame and no speech; the
            decoder understands it.
        message ``station``: for each station frame a dict: ``callsign``, ``text`` as far as it has
            come, ``complete`` (whether that is all of it) and ``end`` (whether the over has ended).

    Metadata of ``ok`` and ``fail``: ``status`` (clean, corrected, soft, concealed), ``iterations``,
    ``profile``, ``end``; with soft input ``ebn0_db``, the Eb/N0 for each payload bit, estimated;
    when the CRC is right ``sequence`` (0..255), ``corrected`` (coded bits received wrong) and, once
    it is known, ``callsign``.

    Args:
        profile: the link profile by name, or "auto": by the length of each frame.
        model: the speech decoder's; frames of another model are counted as foreign and dropped, and
            so are damaged ones that are rather a station or voice frame than speech.

    Attributes:
        counts: frames that came, by what became of them: ``ok``, ``fail`` and ``foreign``. What is
            no frame of the profile is in ``errors``.
        station: what the station frames said, a `StationReader`.

    Raises:
        ParameterError: there is no such profile.
        ModelError: there is no such model.
    """

    def __init__(self, profile: str = AUTO, model: str | Path = DEFAULT) -> None:
        found = card(model)
        self._bits = found.payload_bits
        self._link = AutoLinkDecoder.of(found, profile)
        gr.basic_block.__init__(self, "voicelink_deframer", None, None)
        self._gatherer = Gatherer(self._bits)
        self._collector = CallsignCollector()
        self.station = StationReader()
        self._sequence = 0  # of the latest header
        self.counts = {"ok": 0, "fail": 0, "foreign": 0}
        self.message_port_register_out(_OK)
        self.message_port_register_out(_FAIL)
        self.message_port_register_out(_STATION)
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self._on_frame)

    def start(self) -> bool:
        """Begin afresh: no callsign is known, the counts are 0."""
        self._gatherer.reset()
        self._collector.reset()
        self.station = StationReader()
        self.counts = dict.fromkeys(self.counts, 0)
        return True

    @guarded
    def _on_frame(self, message: pmt.pmt_base) -> None:
        packet = as_frame(pdu_to_packet(to_bytes(message)), packet_lengths(self._bits))
        frames = self._gatherer.push(packet)
        for gathered in frames:
            self._give(gathered, packet, gathered is frames[-1])

    def _give(self, gathered: Packet, packet: Packet, last: bool) -> None:
        """A frame, the packet that it came with, and whether it is the last that did."""
        frame = self._link.decode(gathered)
        if not frame.understood:
            self.counts["foreign"] += 1
            return
        if frame.station is not None:
            self._identified(frame, frame.station)
            return
        if frame.header is not None:
            self._collect(frame.header)
        profile = self._link.profile_of(gathered)
        # Without a header it is for what carries the frames to say where an over ends.
        end = frame.end if profile.header else last and _said(packet, END, bool)
        frame = replace(frame, callsign=self._collector.callsign or None, end=bool(end))
        metadata = {PROFILE: profile.name}
        if packet.soft:
            # The synchroniser has seen the symbols before they were LLRs.
            known = _said(packet, EBN0_DB, float)
            metadata[EBN0_DB] = ebn0_db(packet.data, self._bits) if known is None else known
        port = _OK if frame.status in _CONFIRMED else _FAIL
        self.message_port_pub(port, from_bytes(frame_to_pdu(frame, gathered.number, metadata)))
        self.counts[pmt.symbol_to_string(port)] += 1
        if frame.end:
            self._collector.reset()  # another station may be next

    def _identified(self, frame: LinkFrame, station: Station) -> None:
        self.station.add(station)
        if station.place == START:
            self._collector.reset()
            self._sequence = frame.header.sequence
        if not station.after:
            self._collector.learn(station.callsign)
        said = {
            CALLSIGN: station.callsign,
            "text": self.station.text,
            "complete": self.station.complete,
            END: bool(station.after),
        }
        self.message_port_pub(_STATION, from_bytes(serialize(said)))

    def _collect(self, header: Header) -> None:
        """Learn the callsign, from the start again where another over seems to have begun."""
        ahead = (header.sequence - self._sequence + STRAGGLERS) % 256
        if ahead > STRAGGLERS + AHEAD:
            self._collector.reset()
        self._sequence = header.sequence
        self._collector.add(header.sequence, header.callsign_slice)


def _said(packet: Packet, key: str, kind: type) -> Any:
    """An entry of the packet's metadata; None where there is none of that type."""
    value = (packet.metadata or {}).get(key)
    return value if type(value) is kind else None
