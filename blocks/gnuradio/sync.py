"""Sync block: soft symbols to link frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import OUT, from_bytes
from voicelink.blocks.pdu import EBN0_DB, INVERTED, PROFILE, packet_to_pdu
from voicelink.blocks.sync import FrameSync
from voicelink.models.card import DEFAULT, card


class sync(Guarded, gr.sync_block):
    """Finds link frames in an unsynchronised stream of soft symbols.

    Silent on noise: nothing comes out before the sync words are as clear as white noise makes them
    less than once in a thousand hours, or the CRC of a frame is right.

    Ports:
        stream in: float, one soft symbol an item, of any level and either polarity, with any
            constant offset. NaN and infinities count as 0.
        message ``out``: link-frame PDUs, f32, the LLRs of the frame's bits (positive is 0), with
            ``number`` (by position in the stream: a frame that a fade takes leaves its number
            out; missing until a header told it), ``ebn0_db``, ``inverted`` and ``profile``.

    Args:
        profile: the link profile: "plain", "checked", "half" or "third".
        hold: frames of 320 ms without a confirmed sync word or CRC that a lock survives, 0 to 1000.
        slip: symbols, either way, by which a modem may lose count in a frame, 0 to 8. A frame
            whose CRC is wrong or missing comes out so many symbols after its last one: 0 for bits
            that come from a program.
        spread: packets that the sender spreads each frame over, 1, 2, 4, 8 or 16.
        model: the speech decoder's: its payloads' size says how long frames are.

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        profile: str = "half",
        hold: int = 8,
        slip: int = 2,
        spread: int = 1,
        model: str | Path = DEFAULT,
    ) -> None:
        self._sync = FrameSync(profile, hold, slip, spread, card(model).payload_bits)
        gr.sync_block.__init__(self, "voicelink_sync", [np.float32], None)
        self.frames = 0
        self.message_port_register_out(OUT)

    @property
    def locked(self) -> bool:
        """Whether frames are expected at a certain place of the stream."""
        return self._sync.locked

    def start(self) -> bool:
        """Begin with a new stream; ``frames`` goes on."""
        self._sync.reset()
        return True

    @guarded(otherwise=lambda self, inputs, outputs: len(inputs[0]))
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call: takes all symbols."""
        for found in self._sync.push(input_items[0]):
            metadata = {
                EBN0_DB: found.ebn0_db,
                INVERTED: found.inverted,
                PROFILE: self._sync.profile.name,
            }
            self.message_port_pub(OUT, from_bytes(packet_to_pdu(found.packet, metadata)))
            self.frames += 1
        return len(input_items[0])
