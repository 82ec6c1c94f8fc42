"""Recording block: a file of speech, spoken as one over."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.audio import read_audio
from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.models.errors import one_of
from voicelink.models.sizes import SAMPLE_RATE

_PTT = pmt.intern("ptt")
_BUFFER = 1024
_CHUNK = 80
"""Samples at a time with ``pace`` "clock": 10 ms."""

_DONE = -1


class recording(Guarded, gr.sync_block):
    """Speech out of a file, with the switch on before it and off behind it.

    Ports:
        stream out: float, 8 kHz, within +-1; with a tag ``ptt``, #t at the first sample and #f
            behind the last one, by which an encoder begins an over and ends it.

    Args:
        file: a recording of any rate; of several channels the mean. "" is one without speech.
        pace: "clock" in real time, "data" as fast as it is taken.

    Raises:
        ParameterError: ``pace`` is neither.
        FormatError: the file cannot be read.
    """

    def __init__(self, file: str | Path = "", pace: str = "clock") -> None:
        self._clock = one_of("pace", pace, ["clock", "data"]) == "clock"
        speech = read_audio(file) if file else np.zeros(0, np.float32)
        # The switch goes off at a sample, too.
        self._speech = np.append(speech, np.float32(0))
        gr.sync_block.__init__(self, "voicelink_recording", None, [np.float32])
        self.set_max_output_buffer(_BUFFER)

    def start(self) -> bool:
        """Begin with the first sample."""
        self._at = 0
        self._began: float | None = None
        return True

    @guarded(otherwise=lambda self, *_: _DONE)
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call: give what is spoken by now."""
        out = output_items[0][:_CHUNK] if self._clock else output_items[0]
        part = self._speech[self._at : self._at + len(out)]
        if not len(part):
            return _DONE
        if self._clock:
            self._wait(self._at + len(part))
        out[: len(part)] = part
        for place, switch in ((0, pmt.PMT_T), (len(self._speech) - 1, pmt.PMT_F)):
            if self._at <= place < self._at + len(part):
                self.add_item_tag(0, self.nitems_written(0) + place - self._at, _PTT, switch)
        self._at += len(part)
        return len(part)

    def _wait(self, samples: int) -> None:
        """Until so many have been spoken."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        time.sleep(max(0.0, self._began + samples / SAMPLE_RATE - now))
