"""Receiver in one block."""

from __future__ import annotations

from pathlib import Path

from gnuradio import gr

from voicelink.blocks.gnuradio.decoder import decoder
from voicelink.blocks.gnuradio.deframer import deframer
from voicelink.blocks.gnuradio.sync import sync
from voicelink.models.card import DEFAULT
from voicelink.models.errors import ParameterError, one_of


class rx(gr.hier_block2):
    """Deframer and speech decoder in one, and a sync before them: link frames in, audio out.

    Ports:
        message ``in`` (``input`` "pdu"): link-frame PDUs, as of `deframer`.
        stream in (``input`` "symbols"): float, soft symbols of a modem, as of `sync`.
        stream out: float, audio at 8 kHz within +-1.
        message ``status``: what became of each superframe, as of `decoder`.
        message ``station``: callsign and text, as of `deframer`.

    Args:
        profile: the link profile by name; with PDUs also "auto": by the length of each frame.
        model: a released model's id or a model folder.
        input: "pdu" or "symbols".
        pace: "clock" or "data", as of `decoder`.
        buffer: seconds to wait for stragglers.
        spread: with symbols, packets that the sender spreads each frame over, 1, 2, 4, 8 or 16;
            PDUs tell it by their length.

    Attributes:
        sync: the `sync` inside; None with PDUs.
        deframer: the `deframer` inside.
        decoder: the `decoder` inside.

    Raises:
        ParameterError: an argument is none that these blocks take.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        profile: str = "auto",
        model: str | Path = DEFAULT,
        input: str = "pdu",
        pace: str = "clock",
        buffer: float = 0.03,
        spread: int = 1,
    ) -> None:
        symbols = one_of("input", input, ["pdu", "symbols"]) == "symbols"
        if symbols and profile == "auto":
            raise ParameterError("profile must be named where symbols come in, not 'auto'")
        gr.hier_block2.__init__(
            self,
            "voicelink_rx",
            gr.io_signature(int(symbols), int(symbols), gr.sizeof_float),
            gr.io_signature(1, 1, gr.sizeof_float),
        )
        # Kept here, because GNU Radio keeps no reference to blocks in Python.
        self.sync = sync(profile, spread=spread, model=model) if symbols else None
        self.deframer = deframer(profile, model)
        self.decoder = decoder(model, "pdu", pace, buffer)
        if symbols:
            self.connect(self, self.sync)
            self.msg_connect(self.sync, "out", self.deframer, "in")
        else:
            self.message_port_register_hier_in("in")
            self.msg_connect(self, "in", self.deframer, "in")
        self.message_port_register_hier_out("status")
        self.message_port_register_hier_out("station")
        self.msg_connect(self.deframer, "ok", self.decoder, "in")
        self.msg_connect(self.deframer, "fail", self.decoder, "in")
        self.msg_connect(self.decoder, "status", self, "status")
        self.msg_connect(self.deframer, "station", self, "station")
        self.connect(self.decoder, self)

    @property
    def callsign(self) -> str | None:
        """The last sender's callsign, as of `decoder`."""
        return self.decoder.callsign

    def counts(self) -> dict[str, int]:
        """What the frames came to, as of `decoder`."""
        return self.decoder.counts()
