"""Speech decoder block: payloads in, audio out."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, from_bytes, to_bytes
from voicelink.blocks.link import LinkFrame
from voicelink.blocks.pace import Pace
from voicelink.blocks.pdu import pdu_to_frame
from voicelink.blocks.playout import Playout, State
from voicelink.blocks.pmt import serialize
from voicelink.blocks.receiver import LONGEST_BUFFER, Receiver
from voicelink.blocks.status import Status
from voicelink.models.card import DEFAULT, card
from voicelink.models.codec import SpeechDecoder
from voicelink.models.errors import FormatError, one_of, require
from voicelink.models.latents import CERTAIN
from voicelink.models.sizes import SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

_STATUS = pmt.intern("status")
_STREAMS = {"packed": np.uint8, "bits": np.uint8, "llrs": np.float32}
_BUFFER = 1024
"""Samples of the output buffer: the fewest that GNU Radio makes, a page of memory."""

_WAIT_MS = 5
"""Milliseconds after which GNU Radio asks again where nothing was given; a message wakes it."""

_DONE = -1


class decoder(Guarded, gr.basic_block):
    """Payloads to speech: 2560 samples (320 ms) for each, which is 32 bytes with the default model.

    Other models have shorter payloads, of as many bits for each superframe.

    Ports:
        message ``in`` (``input`` "pdu"): payload PDUs, u8[32], or f32[256] LLRs log(P(0) / P(1)),
            as an encoder, or a deframer on ``ok`` and ``fail``, gives them. Metadata, all optional:
            ``number`` or ``sequence`` puts them in order, ``end`` ends an over, ``status`` and
            ``callsign`` are handed on. One with ``speaker`` #t is a voice frame: from then on
            speech has that voice.
        stream in (other ``input``): "packed": bytes, 32 for a superframe; "bits": one bit a byte,
            256, the most significant first; "llrs": float LLRs, 256, 0 for a bit of which nothing
            is known. The first item begins a superframe.
        stream out: float, audio at 8 kHz within +-1.
        message ``status``: for each superframe of PDUs that was played or given up a dict:
            ``number``, ``status`` (clean, corrected, soft, concealed), ``end``, and where they are
            known ``corrected`` (coded bits) and ``callsign``.

    With ``pace`` "clock" the audio goes on in real time whatever comes, from `Playout`: silence
    between overs, concealment for what is missing. Beyond the superframe of 320 ms and the codec's
    delay it is later by ``buffer``, and at most 20 ms wait in front of the sink if that is
    connected directly (what lies between them has buffers of its own). A sink that is a file takes
    what is played in real time.

    With ``pace`` "data" the audio comes as the PDUs do, and nothing between overs; it ends with
    them. What is missing is concealed once ``buffer`` seconds, and at least one superframe, of
    later ones have come.

    Args:
        model: a released model's id or a model folder.
        input: "pdu", "packed", "bits" or "llrs".
        pace: "clock" or "data"; streams have their own pace.
        buffer: seconds to wait for stragglers, 0 to 15. It grows while frames come too late.

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        input: str = "pdu",
        pace: str = "clock",
        buffer: float = 0.03,
    ) -> None:
        one_of("input", input, ["pdu", *_STREAMS])
        one_of("pace", pace, ["clock", "data"])
        self._model = model
        self._buffer = float(require("buffer", buffer, 0, LONGEST_BUFFER))
        known = card(model)
        self._bits, self._reliable_from = known.payload_bits, known.reliable_from
        size = self._bits // 8 if input == "packed" else self._bits
        self._stream = (_STREAMS[input], size) if input in _STREAMS else None
        self._clock = pace == "clock" and self._stream is None
        self._clear()
        gr.basic_block.__init__(
            self,
            "voicelink_decoder",
            [self._stream[0]] if self._stream else None,
            [np.float32],
        )
        self.set_tag_propagation_policy(gr.TPP_DONT)
        if self._stream:
            self.set_output_multiple(SUPERFRAME_SAMPLES)
            self.set_relative_rate(SUPERFRAME_SAMPLES / self._stream[1])
            return
        self.message_port_register_out(_STATUS)
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self._on_payload)
        self.set_blkd_input_timer_value(_WAIT_MS)
        if self._clock:
            self.set_max_output_buffer(_BUFFER)

    def _clear(self) -> None:
        self._speech = SpeechDecoder(self._model)
        self._receiver = Receiver(model=self._model)
        self._playout = Playout(self._receiver, self._buffer, notify=self._notify)
        self._pace = Pace()
        self._made: deque[np.ndarray] = deque()
        self._size = 0
        self._caller: str | None = None  # of an over that has ended, with ``pace`` "data"

    def start(self) -> bool:
        """Begin afresh: silence, and all counts 0."""
        self._clear()
        return True

    @property
    def callsign(self) -> str | None:
        """The last sender's callsign, once it is known; None again when an over begins."""
        return self._receiver.callsign or self._playout.callsign or self._caller

    @property
    def state(self) -> str:
        """idle, buffering or playing; with ``pace`` "clock"."""
        return self._playout.state.value

    @property
    def depth(self) -> float:
        """Seconds that a frame lies waiting before it is played; with ``pace`` "clock"."""
        return self._playout.depth

    def counts(self) -> dict[str, int]:
        """What the PDUs since the start came to: `Counts`, and how playing them adapted.

        ``waited_for`` superframes came after they were due and were played nonetheless;
        ``inserted`` and ``dropped`` are samples heard in addition or left out (see `Playout`).
        """
        playout = self._playout
        return asdict(self._receiver.counts) | {
            "waited_for": playout.late,
            "inserted": playout.inserted,
            "dropped": playout.dropped,
        }

    def forecast(self, noutput_items: int, ninputs: int) -> list[int]:
        """GNU Radio asks how much input is wanted."""
        if not self._stream:
            return [0] * ninputs
        return [max(1, noutput_items // SUPERFRAME_SAMPLES) * self._stream[1]] * ninputs

    @guarded(otherwise=lambda self, *_: 0)
    def general_work(self, input_items, output_items) -> int:
        """GNU Radio's call: give out what there is room for."""
        out = output_items[0]
        if self._stream:
            return self._translate(input_items[0], out)
        return self._play(out) if self._clock else self._hand_on(out)

    @guarded
    def _on_payload(self, message: pmt.pmt_base) -> None:
        try:
            frame, number = pdu_to_frame(to_bytes(message), self._bits, self._reliable_from)
        except FormatError as error:
            self._receiver.refuse(error)
            self.errors += 1
            return
        if self._clock:
            self._playout.put(frame, number, time.monotonic())
        else:
            self._receive(frame, number)

    # Real time.

    def _play(self, out: np.ndarray) -> int:
        if self.finished() and self._playout.state is State.IDLE:
            return _DONE
        while True:
            now = time.monotonic()
            count = min(self._pace.room(self._waiting(), now), len(out))
            # With its input ended, a block that gives nothing is ended too; speech may be left.
            if count or not self.finished():
                break
            time.sleep(_WAIT_MS / 1000)
        if count:
            self._fill(out[:count], now)
            self._pace.gave(count)
        return count

    @guarded(otherwise=lambda self, out, now: out.fill(0))
    def _fill(self, out: np.ndarray, now: float) -> None:
        out[:] = self._playout.take(len(out), now)
        # Now the sink has enough for a while.
        self._playout.prepare()

    def _waiting(self) -> int:
        """Samples in the output buffer.

        Only the performance counters show them: `output_items` is at most half of the buffer.
        """
        detail = self.detail()
        detail.start_perf_counters()
        detail.stop_perf_counters(0, 0)
        full = detail.pc_output_buffers_full(0)
        if not self._size:
            # The buffer, empty, counts as full by one item, which is never used.
            self._size = round(1 / full) if full > 0 else _BUFFER
        return max(0, round(full * self._size) - 1)

    # As the data come.

    def _receive(self, frame: LinkFrame, number: int | None) -> None:
        receiver = self._receiver
        if receiver.follows(frame, number):
            # What is missing before the end of the over will not come any more.
            while receiver.waiting:
                self._pull()
        begins = receiver.next is None
        if receiver.accept(frame, number) is not None and begins:
            self._caller = None
        depth = max(1, round(self._buffer / SUPERFRAME_SECONDS))
        while receiver.ready or receiver.waiting > depth:
            self._pull()

    def _pull(self) -> None:
        superframe = self._receiver.pull()
        self._made.append(superframe.audio)
        if superframe.end:
            self._caller = self._receiver.callsign or self._caller
            self._receiver.reset()
        self._notify(superframe.number, superframe.status, superframe.end, superframe.corrected)

    @guarded(otherwise=lambda self, out: 0)
    def _hand_on(self, out: np.ndarray) -> int:
        if self.finished():
            while self._receiver.waiting:
                self._pull()
        if not self._made:
            return _DONE if self.finished() else 0
        audio = self._made.popleft()
        count = min(len(out), len(audio))
        out[:count] = audio[:count]
        if count < len(audio):
            self._made.appendleft(audio[count:])
        return count

    def _notify(self, number: int, status: Status, end: bool, corrected: int | None) -> None:
        metadata = {"number": number, "status": status.value, "end": end}
        if corrected is not None:
            metadata["corrected"] = corrected
        if self.callsign:
            metadata["callsign"] = self.callsign
        self.message_port_pub(_STATUS, from_bytes(serialize(metadata)))

    # Streams.

    def _translate(self, items: np.ndarray, out: np.ndarray) -> int:
        size = self._stream[1]
        count = min(len(items) // size, len(out) // SUPERFRAME_SAMPLES)
        self._speak(items[: count * size].reshape(count, size), out)
        self.consume(0, count * size)
        return count * SUPERFRAME_SAMPLES

    @guarded(otherwise=lambda self, items, out: out.fill(0))
    def _speak(self, items: np.ndarray, out: np.ndarray) -> None:
        if items.dtype == np.uint8:
            bits = items & 1 if items.shape[1] == self._bits else np.unpackbits(items, axis=1)
            items = CERTAIN * (1 - 2 * bits.astype(np.float32))
        audio = self._speech.decode_llrs(items)
        out[: len(audio)] = audio
