"""The simulator's channels as a GNU Radio block. Needs GNU Radio 3.10."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.blocks.gnuradio.messages import IN, OUT, from_bytes, to_bytes
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import packet_to_pdu, pdu_to_packet
from voicelink.link_sim.channels import Channel, channels_from
from voicelink.link_sim.live_channel import LiveChannel
from voicelink.link_sim.stream_channel import FORMS, StreamChannel
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import one_of

_SYSTEM = pmt.intern("system")
_ITEMS = {"pdu": None, "bits": [np.uint8], "symbols": [np.float32]}


class channel(Guarded, gr.sync_block):
    """What a link does to a signal, so that a flowgraph is tested inside itself.

    Ports:
        ``form`` "pdu": message ``in`` and ``out``, PDUs of packed bytes (u8) or LLRs (f32), each
            of them a packet. Real time: a packet that is delayed leaves later, another at once.
            The metadata goes along. When what feeds the block is done, it is done itself once the
            last packet has left.
        ``form`` "bits": stream in and out, bytes of one bit each. ``form`` "symbols": stream in
            and out, float, +-1 and positive for 0. Both are cut into packets of ``packet`` items;
            of a lost one the bits come out at random and the symbols as 0. What is short of a
            packet when the flowgraph ends stays in the block.

    Args:
        form: "pdu", "bits" or "symbols".
        channels: what `voicelink.link_sim.channels.channels_from` takes, such as
            ``[{"loss": {"probability": 0.1}}, {"delay": {"seconds": 0.05}}]``, a flag
            ("awgn:ebn0_db=2") or a scenario's name. Streams take those that keep their rate:
            losses, outages and bit errors, radio paths and awgn (with bits: decisions hard, with
            symbols: modulation bpsk).
        seed: a whole number of at least 0; the same gives the same losses, errors and noise.
        packet: items of a packet in a stream, a multiple of 8 from 8 to 8192; it counts as one
            superframe, the bits of a payload and 320 ms, where noise and outages are concerned.
        model: whose payloads are sent: a released model's id or a model folder.

    Raises:
        ParameterError: an argument is none of these.
        ModelError: there is no such model.
    """

    def __init__(
        self,
        form: str = "pdu",
        channels: Any = (),
        seed: int = 0,
        packet: int = 592,
        model: str | Path = DEFAULT,
    ) -> None:
        self._bits = card(model).payload_bits
        self._form = one_of("form", form, _ITEMS)
        self._seed, self._packet = seed, packet
        self._live: LiveChannel | None = None
        self._changed = False
        self._channels = self._made(channels)
        self._renew()
        gr.sync_block.__init__(self, "voicelink_channel", _ITEMS[form], _ITEMS[form])
        if form in FORMS:
            self.set_output_multiple(self._stream.packet)
            return
        self.message_port_register_out(OUT)
        self.message_port_register_in(IN)
        self.set_msg_handler(IN, self._on_packet)
        self.set_msg_handler(_SYSTEM, self._on_system)

    def start(self) -> bool:
        """Begin afresh, with the seed and the channels of the last `set_channels`."""
        self._renew()
        if self._live:
            self._live.start()
        return True

    def stop(self) -> bool:
        """End; packets under way are dropped."""
        if self._live:
            self._live.stop()
        return True

    def set_channels(self, channels: Any) -> None:
        """Other channels from the next packet on, from any thread; what is under way goes on.

        Raises:
            ParameterError: as for the constructor; the channels stay as they are then.
        """
        channels = self._made(channels)
        if self._live:
            self._live.change(channels)
        else:
            self._stream.fitting(channels)
            self._changed = True
        self._channels = channels

    @property
    def statistics(self) -> dict[str, Any]:
        """Counts since the start.

        With PDUs those of `voicelink.link_sim.live.LiveReport`, at most 0.1 s old; with streams
        ``packets`` and ``lost``; and ``channels``, the counts of each.
        """
        return self._live.report.as_dict() if self._live else self._stream.stats()

    @guarded(otherwise=lambda self, _, output_items: len(output_items[0]))
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call, with whole packets."""
        if self._changed:
            self._changed = False
            self._stream.change(self._channels)
        for begin in range(0, len(output_items[0]), self._stream.packet):
            part = slice(begin, begin + self._stream.packet)
            output_items[0][part] = self._stream.carry(input_items[0][part])
        return len(output_items[0])

    def _made(self, channels: Any) -> list[Channel]:
        made = channels_from(channels)
        for channel in made:
            channel.payload_bits = self._bits
        return made

    def _renew(self) -> None:
        if self._form in FORMS:
            self._stream = StreamChannel(self._form, self._channels, self._seed, self._packet)
        else:
            self._live = LiveChannel(self._channels, self._seed, self._deliver)
            self._arrived, self._settled = 0, -1

    @guarded
    def _on_packet(self, message: pmt.pmt_base) -> None:
        self._live.put(pdu_to_packet(to_bytes(message)))
        self._arrived += 1

    @guarded
    def _deliver(self, packet: Packet) -> None:
        self.message_port_pub(OUT, from_bytes(packet_to_pdu(packet)))

    @guarded
    def _on_system(self, message: pmt.pmt_base) -> None:
        # Upstream is done. The block must not be while packets are under way, nor before messages
        # that came earlier at the other port, in whatever order GNU Radio looks at the ports.
        if self._settled == self._arrived and not self.nmsgs(IN):
            self.system_handler(message)
            return
        self._settled = self._arrived
        self._live.when_empty(lambda: self._post(_SYSTEM, message))
