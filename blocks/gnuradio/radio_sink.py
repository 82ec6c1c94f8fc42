"""Radio sink block: the modem's signal at a radio's rate, within its full scale, and sent."""

from __future__ import annotations

import math

from gnuradio import blocks, filter, gr

from voicelink.blocks.gnuradio.device import is_file, open_sink
from voicelink.blocks.gnuradio.limiter import limiter
from voicelink.blocks.gnuradio.radio_source import tuned
from voicelink.blocks.gnuradio.rates import Steps
from voicelink.blocks.modem import MODEM_RATE
from voicelink.blocks.transmit import permit
from voicelink.models.errors import one_of, require

_PAGE = 512
"""Samples in a page of memory: of so many, buffers are made."""

_DEFAULT = 8192
_SECONDS = 0.02
"""What waits between two steps, unless that is less than a page."""


class radio_sink(gr.hier_block2):
    """Sends complex samples, 8000 samples/s of mean power 1, with a radio.

    Nothing is opened but a file without ``transmit`` and a callsign, which the frames are to carry.

    Ports:
        stream in: complex.

    Args:
        device: driver and address, as `voicelink.blocks.gnuradio.device` lists them.
        frequency: Hz, the channel's middle.
        transmit: whether it is meant to go on the air; a file needs no such word.
        callsign: the station's.
        rate: samples per second of the device; 0 for the lowest suitable one (a file's: 240000).
        gain: dB, by stages "VGA=20,AMP=0", or "" for the driver's own; of iio, 0 is full power.
        ppm: by how many millionths the device's clock is fast, -1000 to 1000.
        offset: Hz between the channel and the device's own 0 Hz, where its carrier leaks.
        level: amplitude, root of the mean power, that is sent: 0 to 1, full scale being 1. What
            is beyond 0.8 is bent to stay below 1.
        antenna: its name, or "" for the driver's own.
        pace: "clock" writes a file in real time, "data" as fast as it goes.

    Attributes:
        device_rate: samples per second that the device has.

    Raises:
        ParameterError: an argument is none of these, or the device cannot be set so.
        VoiceLinkError: the device or its driver is not there.
    """

    def __init__(
        self,
        device: str = "file:over.cf32",
        frequency: float = 144.65e6,
        transmit: bool = False,
        callsign: str = "",
        rate: float = 0.0,
        gain: str = "",
        ppm: float = 0.0,
        offset: float = 0.0,
        level: float = 0.35,
        antenna: str = "",
        pace: str = "clock",
    ) -> None:
        if not is_file(device):
            permit(device, transmit, callsign)
        clock = one_of("pace", pace, ["clock", "data"]) == "clock"
        require("level", level, 0, 1)
        settings = tuned(frequency, rate, gain, ppm, offset, antenna)
        gr.hier_block2.__init__(
            self,
            "voicelink_radio_sink",
            gr.io_signature(1, 1, gr.sizeof_gr_complex),
            gr.io_signature(0, 0, 0),
        )
        self.device, self.device_rate = open_sink(device, settings)
        steps = Steps(self.device_rate, offset)
        self._limiter = limiter(self.device_rate / MODEM_RATE)
        chain = [(blocks.multiply_const_cc(level), MODEM_RATE)]
        if steps.ratio != 1:
            chain.append((steps.up(), MODEM_RATE / float(steps.ratio)))
        if steps.factor > 1:
            taps = steps.device_taps(steps.factor)
            chain.append((filter.interp_fir_filter_ccf(steps.factor, taps), self.device_rate))
        if offset:
            turn = 2 * math.pi * offset / self.device_rate
            chain.append((blocks.rotator_cc(turn), self.device_rate))
        chain.append((self._limiter, self.device_rate))
        if clock and is_file(device):
            throttle = blocks.throttle(gr.sizeof_gr_complex, self.device_rate)
            chain.append((throttle, self.device_rate))
        for block, rate in chain:
            pages = math.ceil(_SECONDS * rate / _PAGE)
            if pages * _PAGE < _DEFAULT:
                block.set_max_output_buffer(pages * _PAGE)
        self.connect(self, *(block for block, _ in chain), self.device)
