"""Radio source block: a radio's signal, tuned and brought to the modem's rate."""

from __future__ import annotations

from gnuradio import blocks, filter, gr

from voicelink.blocks.gnuradio.device import (
    Settings,
    is_file,
    open_source,
    parse_gain,
    split_device,
)
from voicelink.blocks.gnuradio.drivers import split_file
from voicelink.blocks.gnuradio.rates import Steps
from voicelink.blocks.modem import MODEM_RATE
from voicelink.models.errors import one_of, require

MOST_PPM = 1000.0
"""Parts per million that a device may be corrected by."""


class radio_source(gr.hier_block2):
    """A channel 8000 Hz wide out of what a radio receives: complex, 8000 samples/s.

    The device is tuned below the channel by ``offset``, so that the spike which cheap receivers
    have at their own 0 Hz stays out of it, and its automatic gain is off.

    Ports:
        stream out: complex.

    Args:
        device: driver and address, as `voicelink.blocks.gnuradio.device` lists them.
        frequency: Hz, the channel's middle.
        rate: samples per second of the device; 0 for the lowest suitable one (a file's: 240000).
        gain: dB, by stages "LNA=16,VGA=20", or "" for the driver's own.
        ppm: by how many millionths the device's clock is fast, -1000 to 1000.
        offset: Hz between the channel and the device's own 0 Hz; not used with files, in which
            the channel is in the middle, or by their own frequency elsewhere.
        antenna: its name, or "" for the driver's own.
        pace: "clock" reads a file in real time, "data" as fast as it goes; devices have their own.

    Attributes:
        device_rate: samples per second that the device has.

    Raises:
        ParameterError: an argument is none of these, or the device cannot be set so.
        VoiceLinkError: the device or its driver is not there.
    """

    def __init__(
        self,
        device: str = "file:/dev/null",
        frequency: float = 144.65e6,
        rate: float = 0.0,
        gain: str = "",
        ppm: float = 0.0,
        offset: float = 25e3,
        antenna: str = "",
        pace: str = "clock",
    ) -> None:
        clock = one_of("pace", pace, ["clock", "data"]) == "clock"
        file = is_file(device)
        if file:
            # It is not tuned: the channel lies where it is.
            _, centre = split_file(split_device(device)[1])
            offset = 0.0 if centre is None else frequency - centre
        settings = tuned(frequency, rate, gain, ppm, offset, antenna)
        gr.hier_block2.__init__(
            self,
            "voicelink_radio_source",
            gr.io_signature(0, 0, 0),
            gr.io_signature(1, 1, gr.sizeof_gr_complex),
        )
        self.device, self.device_rate = open_source(device, settings)
        steps = Steps(self.device_rate, offset)
        chain = [self.device]
        if clock and file:
            chain.append(blocks.throttle(gr.sizeof_gr_complex, self.device_rate))
        chain.append(
            filter.freq_xlating_fir_filter_ccf(
                steps.factor, steps.device_taps(1), offset, self.device_rate
            )
        )
        if steps.ratio != 1:
            chain.append(steps.down())
        self.connect(*chain, self)


def tuned(
    frequency: float, rate: float, gain: str, ppm: float, offset: float, antenna: str
) -> Settings:
    """What a device is told, so that the channel lies ``offset`` above its 0 Hz.

    Raises:
        ParameterError: a number is out of its range.
    """
    require("frequency", frequency, 0)
    if rate:
        require("rate", rate, MODEM_RATE)
    require("ppm", ppm, -MOST_PPM, MOST_PPM)
    require("offset", offset)
    middle = (frequency - offset) / (1 + ppm * 1e-6)
    return Settings(middle, float(rate), parse_gain(gain), str(antenna).strip())
