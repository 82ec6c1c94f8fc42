"""Console block: what bursts, stations and superframes say, a line each."""

from __future__ import annotations

import sys

import pmt
from gnuradio import gr

from voicelink.blocks.console import Console
from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, to_bytes
from voicelink.blocks.pmt import deserialize
from voicelink.models.errors import FormatError


class console(Guarded, gr.basic_block):
    """Writes a line for each message to standard output, and one of all of them at the end.

    Where several blocks are to be followed each has one of its own: in GNU Radio a block ends with
    the first of those that send to it.

    Ports:
        message ``in``: a demodulator's ``out`` (time since the start, SNR in 3 kHz, frequency;
            with a question mark what may be no burst), a deframer's ``station`` (callsign and
            text) or the ``status`` of a decoder or receiver (number, status, coded bits that were
            corrected, callsign). Others are counted in ``errors``.
    """

    def __init__(self) -> None:
        self._console = Console()
        gr.basic_block.__init__(self, "voicelink_console", None, None)
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self._on_message)

    def start(self) -> bool:
        """Begin to count."""
        self._console = Console()
        return True

    @guarded(otherwise=lambda self: True)
    def stop(self) -> bool:
        """Say what there was."""
        summary = self._console.summary()
        if summary:
            _say(summary)
        return True

    @guarded
    def _on_message(self, message: pmt.pmt_base) -> None:
        said = deserialize(to_bytes(pmt.car(message) if pmt.is_pdu(message) else message))
        line = self._console.line(said) if isinstance(said, dict) else None
        if line is None:
            raise FormatError("a message is none of a demodulator, deframer, decoder or receiver")
        _say(line)


def _say(line: str) -> None:
    # In one go: other blocks' threads write too.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
