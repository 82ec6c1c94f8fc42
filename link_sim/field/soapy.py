"""Samples from SDR hardware through SoapySDR's Python module, which comes with its drivers."""

from __future__ import annotations

import contextlib
import importlib.util
import time

import numpy as np

from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.sources import SamplesLost, SourceLost
from voicelink.models.errors import ParameterError

_FORMATS = {"CF32": "cf32_le", "CS16": "ci16_le", "CS8": "ci8", "CU8": "cu8"}
"""SoapySDR's names of the formats that are recorded as they come; of others CF32 is asked for."""

_SILENT = 2.0
"""Seconds without a sample after which a device counts as gone."""

_WAIT_US = 200_000


class SoapySource:
    """A receiver of SoapySDR.

    Args:
        device: SoapySDR's device string, as ``driver=rtlsdr``.
        rate: samples/s.
        frequency: Hz of the signal.
        offset: Hz that the device is tuned below it, so that its DC spike does not lie on it.
        gain: dB; None: the device's own control.
        ppm: by how much the device's reference is too fast; None: as the device has it.
        antenna: its name; None: as the device has it.

    Raises:
        ParameterError: the module is not installed.
    """

    live = True

    def __init__(
        self,
        device: str,
        rate: float,
        frequency: float,
        offset: float,
        gain: float | None = None,
        ppm: float | None = None,
        antenna: str | None = None,
    ) -> None:
        if importlib.util.find_spec("SoapySDR") is None:
            raise ParameterError(
                "a SoapySDR device needs its Python module: apt install python3-soapysdr"
                " soapysdr-module-all, in an environment made with --system-site-packages"
            )
        self.hardware = f"SoapySDR {device}"
        self.rate, self.frequency = rate, frequency - offset
        self._wanted = rate
        self.format = SampleFormat.of("cf32_le")
        self._name, self._gain, self._ppm, self._antenna = device, gain, ppm, antenna
        self._device = self._stream = None

    def open(self) -> None:
        import SoapySDR as soapy

        way = soapy.SOAPY_SDR_RX
        try:
            device = self._device = soapy.Device(self._name)
            device.setSampleRate(way, 0, self._wanted)
            if self._antenna is not None:
                device.setAntenna(way, 0, self._antenna)
            if self._ppm is not None:
                device.setFrequencyCorrection(way, 0, self._ppm)
            device.setFrequency(way, 0, self.frequency)
            if self._gain is None:
                device.setGainMode(way, 0, True)
            else:
                device.setGain(way, 0, self._gain)
            native = device.getNativeStreamFormat(way, 0)
            native = str(native[0] if isinstance(native, (list, tuple)) else native)
            form = native if native in _FORMATS else "CF32"
            self.format = SampleFormat.of(_FORMATS[form])
            self.rate = float(device.getSampleRate(way, 0))
            self._stream = device.setupStream(way, form, [0])
            device.activateStream(self._stream)
        # Drivers raise RuntimeError, and some of their wrappers others.
        except Exception as error:
            self.close()
            raise SourceLost(f"{self.hardware}: {error}") from None
        self._count = max(1024, int(self.rate / 50))
        self._heard = time.monotonic()

    def read(self) -> bytes | None:
        import SoapySDR as soapy

        parts = 2 * self._count
        buffer = np.empty(parts, self.format.component)
        try:
            got = self._device.readStream(
                self._stream, [buffer], self._count, timeoutUs=_WAIT_US
            ).ret
        except Exception as error:
            raise SourceLost(f"{self.hardware}: {error}") from None
        if got > 0:
            self._heard = time.monotonic()
            return buffer[: 2 * got].tobytes()
        if got == soapy.SOAPY_SDR_OVERFLOW:
            raise SamplesLost(f"{self.hardware}: samples came faster than they were read")
        if got in (0, soapy.SOAPY_SDR_TIMEOUT):
            if time.monotonic() - self._heard > _SILENT:
                raise SourceLost(f"{self.hardware}: no samples for {_SILENT:g} s")
            return b""
        raise SourceLost(f"{self.hardware}: {soapy.errToStr(got)}")

    def close(self) -> None:
        device, stream = self._device, self._stream
        self._device = self._stream = None
        if device is None or stream is None:
            return
        # Of a device that is not there any more nothing else is to be expected than errors.
        with contextlib.suppress(Exception):
            device.deactivateStream(stream)
            device.closeStream(stream)
