"""Transmitter in one block."""

from __future__ import annotations

from pathlib import Path

import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.encoder import encoder
from voicelink.blocks.gnuradio.framer import framer
from voicelink.blocks.gnuradio.messages import PTT
from voicelink.models.card import DEFAULT


class tx(gr.hier_block2):
    """Speech encoder and framer in one: audio in, link frames out.

    Ports:
        stream in: float, audio at 8 kHz within +-1.
        message ``ptt``: #t and #f begin and end an over, as of `encoder` and `framer`.
        message ``out``: link-frame PDUs, as of `framer`.

    Args:
        profile: the link profile: "plain", "checked", "half" or "third".
        callsign: up to 9 characters; "" for none.
        model: a released model's id or a model folder.
        transmit: whether it begins with the switch on, or waits for ``ptt``.
        sync_word: make a bit stream for a modem that has no framing of its own.
        preamble: bytes before an over; only with ``sync_word``.
        tail: bytes after an over; only with ``sync_word``.
        spread: packets that each frame is spread over, as of `framer`.
        identify: send station frames, as of `framer`.
        text: a short text for station frames.
        longest: seconds after which an over is ended, as of `encoder`.
        voice: file with the speaker's voice, for models that send it apart.

    Attributes:
        encoder: the `encoder` inside.
        framer: the `framer` inside.

    Raises:
        ParameterError: an argument is none that these blocks take.
        ModelError: there is no such model.
        FormatError: there is no voice in that file.
    """

    def __init__(
        self,
        profile: str = "half",
        callsign: str = "",
        model: str | Path = DEFAULT,
        transmit: bool = True,
        sync_word: bool = False,
        preamble: int = 0,
        tail: int = 0,
        spread: int = 1,
        identify: bool = False,
        text: str = "",
        longest: float = 0.0,
        voice: str | Path = "",
    ) -> None:
        gr.hier_block2.__init__(
            self,
            "voicelink_tx",
            gr.io_signature(1, 1, gr.sizeof_float),
            gr.io_signature(0, 0, 0),
        )
        # Kept here, because GNU Radio keeps no reference to blocks in Python.
        self.encoder = encoder(model, "pdu", transmit, longest, voice)
        self.framer = framer(
            profile, callsign, model, sync_word, preamble, tail, spread, identify, text, voice
        )
        self.message_port_register_hier_in("ptt")
        self.message_port_register_hier_out("out")
        self.connect(self, self.encoder)
        # Two of the same port: GNU Radio hands the message to both.
        self.msg_connect(self, "ptt", self.framer, "ptt")
        self.msg_connect(self, "ptt", self.encoder, "ptt")
        self.msg_connect(self.encoder, "out", self.framer, "in")
        self.msg_connect(self.framer, "out", self, "out")

    def set_transmit(self, transmit: bool) -> None:
        """What the message ``ptt`` does; from any thread."""
        self.framer.to_basic_block()._post(PTT, pmt.from_bool(bool(transmit)))
        self.encoder.set_transmit(transmit)
