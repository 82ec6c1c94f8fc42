"""Speech encoder block: audio in, payloads out."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import OUT, PTT, from_bytes, switch
from voicelink.blocks.pauses import Pauses
from voicelink.blocks.pdu import SILENT, VOICE, payload_to_pdu
from voicelink.blocks.transmit import TimeOutTimer
from voicelink.blocks.transmitter import last_payloads, split_payloads
from voicelink.blocks.voice import read_voice
from voicelink.models.card import DEFAULT
from voicelink.models.codec import SpeechEncoder
from voicelink.models.errors import FormatError, one_of, true_or_false
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES

_log = logging.getLogger(__name__)
_PACKET_LEN = pmt.intern("packet_len")
_OUTPUTS = "pdu", "packed", "bits"
_HELD = 64
"""Superframes that may wait for room in the stream; with more, no input is taken."""


class encoder(Guarded, gr.basic_block):
    """Speech to payloads: 32 bytes for every 2560 samples (320 ms) with the default model.

    Other models have shorter payloads, of as many bits for each superframe; their first may come
    some superframes later.

    Ports:
        stream in: float, audio at 8 kHz within +-1. What is beyond is clipped, NaN is silence.
        stream out: none, bytes, or bits, by ``output``; tag ``packet_len`` (32 or 256) at the
            first item of each superframe.
        message ``out``: for each superframe a payload PDU, u8[32], with ``number`` (of the
            superframe, from 0 in each over) and ``end`` (true for the last of an over). Of a model
            that sends the speaker's voice apart also ``voice``, u8, once it is known, and
            ``silent`` (whether nobody speaks in the superframe).
        message ``ptt``: #t or #f, or a pair that ends with one. #f fills the superframe up with
            silence and ends the over; audio is then discarded until #t begins another. Where a
            message falls between two samples depends on the buffers; a stream tag ``ptt`` with the
            same values acts at its sample.

    A block in Python is not told that its input has ended, so that at the end of a file what is
    short of a superframe is lost: let 0.4 s of silence follow, or send #f.

    Args:
        model: a released model's id or a model folder.
        voice: file with the speaker's voice, for models that send it apart; "": it is taken from
            the speech.
        output: the stream out: "pdu" (none), "packed" (bytes, 32 a superframe) or "bits" (one bit
            a byte, the most significant first, 256 a superframe).
        transmit: whether it begins with the switch on, or waits for ``ptt``.
        longest: seconds, 1 to 600, after which an over is ended as by #f, for a switch that is
            stuck: it must go off before another; 0 for no limit.

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
        FormatError: there is no voice in that file.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        output: str = "pdu",
        transmit: bool = True,
        longest: float = 0.0,
        voice: str | Path = "",
    ) -> None:
        one_of("output", output, _OUTPUTS)
        self._transmit = true_or_false("transmit", transmit)
        self._longest = longest
        self._timer = TimeOutTimer(longest) if longest else None
        self._speech = SpeechEncoder(model, voice=read_voice(voice or None))
        card = self._speech.card
        self._bits = card.payload_bits
        self._pauses = Pauses() if card.voice_bytes else None
        self._items = {"pdu": 0, "packed": card.payload_bytes, "bits": card.payload_bits}[output]
        gr.basic_block.__init__(
            self, "voicelink_encoder", [np.float32], [np.uint8] if self._items else None
        )
        self._clear()
        self.message_port_register_out(OUT)
        self.message_port_register_in(PTT)
        self.set_msg_handler(PTT, self._on_ptt)
        self.set_tag_propagation_policy(gr.TPP_DONT)
        if self._items:
            self.set_output_multiple(self._items)
            self.set_relative_rate(self._items / SUPERFRAME_SAMPLES)

    def _clear(self) -> None:
        self._speech.reset()
        if self._pauses:
            self._pauses.reset()
        self._number = 0
        self._heard = 0  # samples of all overs
        if self._timer:
            self._timer.update(False, 0)
        self._held: list[bytes] = []

    def start(self) -> bool:
        """Begin a new over; the switch stays where it is."""
        self._clear()
        return True

    def set_transmit(self, transmit: bool) -> None:
        """What the message ``ptt`` does; from any thread."""
        self.to_basic_block()._post(PTT, pmt.from_bool(bool(transmit)))

    def forecast(self, noutput_items: int, ninputs: int) -> list[int]:
        """GNU Radio asks how much input is wanted: none where output waits."""
        return [0 if self._held else 1] * ninputs

    @guarded(otherwise=lambda self, *_: 0)
    def general_work(self, input_items, output_items) -> int:
        """GNU Radio's call: take in what there is, give out what there is room for."""
        if len(self._held) < _HELD:
            self._hear(input_items[0])
        return self._give(output_items[0]) if self._items else 0

    @guarded(otherwise=lambda self, audio: self.consume(0, len(audio)))
    def _hear(self, audio: np.ndarray) -> None:
        for part, transmit in self._parts(audio):
            self._take(part)
            if transmit is not None:
                self._switch(transmit)
        self.consume(0, len(audio))

    def _parts(self, audio: np.ndarray):
        """The audio up to each ``ptt`` tag with the tag's value, and the rest with None."""
        first, begin = self.nitems_read(0), 0
        tags = self.get_tags_in_window(0, 0, len(audio), PTT)
        for tag in sorted(tags, key=lambda tag: tag.offset):
            try:
                transmit = switch(tag.value)
            except FormatError as error:
                self.note_error(error)
                continue
            yield audio[begin : tag.offset - first], transmit
            begin = tag.offset - first
        yield audio[begin:], None

    def _take(self, audio: np.ndarray) -> None:
        if not self._transmit:
            return
        audio, late = self._in_time(audio)
        self._heard += len(audio)
        audio = np.nan_to_num(audio, posinf=1, neginf=-1)
        if self._pauses:
            self._pauses.push(audio)
        self._publish(self._speech.encode(audio))
        if late:
            self._timer.update(True, self._heard / SAMPLE_RATE)
            _log.warning("an over was ended after %g s", self._longest)
            self._end()

    def _in_time(self, audio: np.ndarray) -> tuple[np.ndarray, bool]:
        """What of the audio the time-out timer lets through, and whether that is the last."""
        if not self._timer:
            return audio, False
        now = self._heard / SAMPLE_RATE
        self._timer.update(True, now)
        room = round(SAMPLE_RATE * self._timer.left(now))
        return audio[:room], len(audio) >= room

    @property
    def cut(self) -> int:
        """Overs that were ended because they lasted too long."""
        return self._timer.count if self._timer else 0

    @guarded
    def _on_ptt(self, message: pmt.pmt_base) -> None:
        self._switch(switch(message))

    def _switch(self, transmit: bool) -> None:
        if self._timer:
            transmit = self._timer.update(transmit, self._heard / SAMPLE_RATE)
        if self._transmit and not transmit:
            self._end()
        self._transmit = transmit

    def _end(self) -> None:
        self._publish(last_payloads(self._speech), end=True)
        self._number = 0
        if self._pauses:
            self._pauses.reset()
        self._transmit = False

    def _publish(self, content: bytes, end: bool = False) -> None:
        payloads = split_payloads(content, self._bits // 8)
        for place, payload in enumerate(payloads, 1):
            last = end and place == len(payloads)
            pdu = payload_to_pdu(payload, self._number, last, self._beside(), self._bits)
            self.message_port_pub(OUT, from_bytes(pdu))
            self._number += 1
        if self._items:
            self._held += payloads

    def _beside(self) -> dict:
        """What goes with the next superframe's payload."""
        if not self._pauses:
            return {}
        said = {SILENT: self._pauses.next()}
        if self._speech.voice is not None:
            said[VOICE] = np.frombuffer(self._speech.voice, np.uint8)
        return said

    def _give(self, out: np.ndarray) -> int:
        count = min(len(out) // self._items, len(self._held))
        data = np.frombuffer(b"".join(self._held[:count]), np.uint8)
        if self._items == self._bits:
            data = np.unpackbits(data)
        out[: len(data)] = data
        for place in range(count):
            offset = self.nitems_written(0) + place * self._items
            self.add_item_tag(0, offset, _PACKET_LEN, pmt.from_long(self._items))
        del self._held[:count]
        return len(data)
