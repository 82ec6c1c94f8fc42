"""Radios by their device strings: a driver, a colon, and what that driver is told.

============  ===================================  ========================================
``soapy:``    SoapySDR's device string             ``soapy:driver=rtlsdr``, ``driver=hackrf``,
                                                   ``driver=lime``, ``driver=plutosdr``
``uhd:``      device address, or nothing           ``uhd:type=b200``
``iio:``      URI of an AD936x (Pluto), or nothing ``iio:ip:192.168.2.1``
``osmosdr:``  gr-osmosdr's device arguments        ``osmosdr:rtl=0``
``file:``     complex float32 samples in a file,   ``file:over.cf32``,
              and the frequency of their 0 Hz      ``file:over.cf32@144.6e6``
============  ===================================  ========================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.models.errors import ParameterError, VoiceLinkError, one_line, one_of, require

FILE = "file"
SLOWEST, FASTEST = 8e3, 100e6
"""Samples per second that a device may have."""


@dataclass(frozen=True)
class Settings:
    """How a device is to be set.

    Attributes:
        frequency: Hz, of the device's own 0 Hz.
        rate: samples per second; 0 for the lowest suitable one.
        gain: dB in all, or of each stage by its name; None leaves it as the driver has it.
        antenna: its name; "" leaves it as the driver has it.
    """

    frequency: float
    rate: float = 0.0
    gain: float | dict[str, float] | None = None
    antenna: str = ""

    @property
    def gains(self) -> list[tuple]:
        """One (value,) for all, or (value, name) of each stage."""
        if self.gain is None:
            return []
        if isinstance(self.gain, dict):
            return [(value, name) for name, value in self.gain.items()]
        return [(self.gain,)]


def split_device(device: str) -> tuple[str, str]:
    """The driver in a device string, and what it is told.

    Raises:
        ParameterError: there is no such driver, or a file has no name.

    >>> split_device("soapy:driver=rtlsdr")
    ('soapy', 'driver=rtlsdr')
    """
    from voicelink.blocks.gnuradio.drivers import DRIVERS

    driver, colon, address = str(device).partition(":")
    if not colon:
        raise ParameterError(
            f"device must be a driver and an address, as soapy:driver=rtlsdr, not {device!r}"
        )
    one_of("the driver of a device", driver, DRIVERS)
    if driver == FILE and not address:
        raise ParameterError("device must name a file behind file:, as file:over.cf32")
    return driver, address


def is_file(device: str) -> bool:
    """Whether a device string means a file, which nobody hears.

    Raises:
        ParameterError: as `split_device`.
    """
    return split_device(device)[0] == FILE


def parse_gain(gain: str | float) -> float | dict[str, float] | None:
    """A gain as `Settings` has it.

    Args:
        gain: dB; "30"; by stages, "LNA=16,VGA=20"; or "" for None.

    Raises:
        ParameterError: it is none of these.

    >>> parse_gain("LNA=16, VGA=20")
    {'LNA': 16.0, 'VGA': 20.0}
    """
    text = str(gain).strip()
    if not text:
        return None
    if "=" not in text:
        return float(require("gain", text, -200, 200))
    gains = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        gains[name] = float(require(f"gain {name}", value, -200, 200))
    return gains


def open_source(device: str, settings: Settings) -> tuple[Any, float]:
    """A GNU Radio block that receives, complex, and its samples per second.

    Raises:
        ParameterError: there is no such driver, or it cannot be set so.
        VoiceLinkError: the device or its driver is not there.
    """
    return _open(device, settings, "source")


def open_sink(device: str, settings: Settings) -> tuple[Any, float]:
    """A GNU Radio block that transmits, complex, and its samples per second.

    Raises:
        ParameterError, VoiceLinkError: as `open_source`.
    """
    return _open(device, settings, "sink")


def _open(device: str, settings: Settings, way: str) -> tuple[Any, float]:
    from voicelink.blocks.gnuradio.drivers import DRIVERS

    driver, address = split_device(device)
    try:
        block = getattr(DRIVERS[driver], way)(address)
        rate = float(DRIVERS[driver].set(block, settings))
    except VoiceLinkError as error:
        raise type(error)(f"cannot use {device}: {error}") from None
    except ImportError as error:
        raise VoiceLinkError(f"cannot open {device}: GNU Radio here lacks {error.name}") from None
    except OSError as error:
        raise VoiceLinkError(f"cannot open {device}: {error.strerror}") from None
    except Exception as error:  # the drivers' own, of many types and on many lines
        reason = one_line(error) or type(error).__name__
        raise VoiceLinkError(f"cannot open {device}: {reason}") from None
    if not SLOWEST <= rate <= FASTEST:
        raise VoiceLinkError(f"cannot use {device}: it runs at {rate:g} samples/s")
    return block, rate
