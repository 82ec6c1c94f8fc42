"""The blocks that GNU Radio has for radios, each made and set in its own way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voicelink.blocks.gnuradio.device import FILE, Settings
from voicelink.blocks.modem import MODEM_RATE
from voicelink.models.errors import ParameterError, one_of

_WANTED = 200e3
"""Samples per second below which there is little room beside the spike at a device's 0 Hz."""

_FILE_RATE = 240e3
_PLUTO_RATE = 576e3  # below 521 kHz it needs a filter of its own
_PLUTO_BUFFER = 16384


@dataclass(frozen=True)
class Driver:
    """What can be done with a driver.

    Attributes:
        source: makes a block that receives, of the address.
        sink: makes a block that transmits.
        set: sets either; its samples per second.
    """

    source: Callable[[str], Any]
    sink: Callable[[str], Any]
    set: Callable[[Any, Settings], float]


def lowest_rate(ranges: list[tuple[float, float]]) -> float:
    """Samples per second where none are asked for: the fewest that will do.

    Args:
        ranges: lowest and highest that a device can, Hz, of each of its ranges.

    >>> lowest_rate([(225001, 300000), (900001, 3200000)])
    240000.0
    """
    rates = []
    for low, high in ranges:
        rate = min(max(low, _WANTED), high)
        # Of these the modem's is a simple fraction.
        whole = [math.ceil(rate / step) * step for step in (5 * MODEM_RATE, MODEM_RATE)]
        rates.append(float(next((each for each in whole if each <= high), rate)))
    enough = [rate for rate in rates if rate >= _WANTED]
    return min(enough) if enough else max(rates, default=_FILE_RATE)


def _set_soapy(block: Any, settings: Settings) -> float:
    ranges = [(part.minimum(), part.maximum()) for part in block.get_sample_rate_range(0)]
    block.set_sample_rate(0, settings.rate or lowest_rate(ranges))
    block.set_frequency(0, settings.frequency)
    if block.has_gain_mode(0):
        block.set_gain_mode(0, False)
    for value, *name in settings.gains:
        block.set_gain(0, *_known(name, block.list_gains(0)), value)
    if settings.antenna:
        block.set_antenna(0, one_of("antenna", settings.antenna, block.list_antennas(0)))
    return block.get_sample_rate(0)


def _soapy(way: str) -> Callable[[str], Any]:
    def make(address: str) -> Any:
        from gnuradio import soapy

        return getattr(soapy, way)(address, "fc32", 1, "", "", [""], [""])

    return make


def _set_uhd(block: Any, settings: Settings) -> float:
    rates = block.get_samp_rates()
    block.set_samp_rate(settings.rate or lowest_rate([(rates.start(), rates.stop())]))
    block.set_center_freq(settings.frequency, 0)
    for value, *name in settings.gains:
        block.set_gain(value, *_known(name, block.get_gain_names(0)), 0)
    if settings.antenna:
        block.set_antenna(one_of("antenna", settings.antenna, block.get_antennas(0)), 0)
    return block.get_samp_rate()


def _uhd(way: str) -> Callable[[str], Any]:
    def make(address: str) -> Any:
        from gnuradio import uhd

        stream = uhd.stream_args(cpu_format="fc32", channels=[0])
        return getattr(uhd, f"usrp_{way}")(address, stream)

    return make


def _set_iio(block: Any, settings: Settings) -> float:
    if settings.antenna or isinstance(settings.gain, dict):
        raise ParameterError("its gain and its antenna have no names")
    rate = round(settings.rate or _PLUTO_RATE)
    sends = hasattr(block, "set_attenuation")
    if sends:
        block.set_bandwidth(max(rate, 200_000))
    block.set_len_tag_key("")
    block.set_frequency(round(settings.frequency))
    block.set_samplerate(rate)
    if not sends:
        block.set_gain_mode(0, "manual")
    if settings.gain is not None:
        # Of its transmitter full power is 0 dB.
        if sends:
            block.set_attenuation(0, -settings.gain)
        else:
            block.set_gain(0, settings.gain)
    block.set_filter_params("Auto", "", 0.0, 0.0)
    return rate


def _iio_source(address: str) -> Any:
    from gnuradio import iio

    block = iio.fmcomms2_source_fc32(address or iio.get_pluto_uri(), [True] * 2, _PLUTO_BUFFER)
    for correct in (block.set_quadrature, block.set_rfdc, block.set_bbdc):
        correct(True)
    return block


def _iio_sink(address: str) -> Any:
    from gnuradio import iio

    return iio.fmcomms2_sink_fc32(address or iio.get_pluto_uri(), [True] * 2, _PLUTO_BUFFER, False)


def _set_osmosdr(block: Any, settings: Settings) -> float:
    rates = block.get_sample_rates()
    block.set_sample_rate(settings.rate or lowest_rate([(rates.start(), rates.stop())]))
    block.set_center_freq(settings.frequency, 0)
    block.set_gain_mode(False, 0)
    for value, *name in settings.gains:
        block.set_gain(value, *_known(name, block.get_gain_names(0)), 0)
    if settings.antenna:
        block.set_antenna(one_of("antenna", settings.antenna, block.get_antennas(0)), 0)
    return block.get_sample_rate()


def _osmosdr(way: str) -> Callable[[str], Any]:
    def make(address: str) -> Any:
        import osmosdr

        return getattr(osmosdr, way)(args=f"numchan=1 {address}")

    return make


def split_file(address: str) -> tuple[str, float | None]:
    """The path in the address of a file, and the frequency of its 0 Hz where that is told.

    >>> split_file("over.cf32@144.6e6")
    ('over.cf32', 144600000.0)
    """
    path, sign, centre = address.rpartition("@")
    try:
        return (path, float(centre)) if sign and path else (address, None)
    except ValueError:
        return address, None


def _file_source(address: str) -> Any:
    from gnuradio import blocks, gr

    path, _ = split_file(address)
    with open(path, "rb"):  # of a file that is not there, GNU Radio does not say why
        return blocks.file_source(gr.sizeof_gr_complex, path, False)


def _file_sink(address: str) -> Any:
    from voicelink.blocks.gnuradio.samples_sink import samples_sink

    return samples_sink(split_file(address)[0])


def _set_file(_: Any, settings: Settings) -> float:
    return settings.rate or _FILE_RATE


def _known(name: list[str], names: tuple[str, ...]) -> list[str]:
    """``name``, empty or the name of one gain, if the device has it."""
    return [one_of("gain", each, names) for each in name]


DRIVERS = {
    "soapy": Driver(_soapy("source"), _soapy("sink"), _set_soapy),
    "uhd": Driver(_uhd("source"), _uhd("sink"), _set_uhd),
    "iio": Driver(_iio_source, _iio_sink, _set_iio),
    "osmosdr": Driver(_osmosdr("source"), _osmosdr("sink"), _set_osmosdr),
    FILE: Driver(_file_source, _file_sink, _set_file),
}
"""By the word that begins a device string."""
