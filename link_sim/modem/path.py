"""Radio paths by name, as the modem is measured over them."""

from __future__ import annotations

from voicelink.link_sim.iq.clock import Clock
from voicelink.link_sim.iq.compose import effects_from
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.frequency import Frequency
from voicelink.link_sim.iq.noise import Noise
from voicelink.link_sim.iq.watterson import Watterson
from voicelink.models.errors import one_of

PATHS = ("awgn", "watterson-good", "watterson-moderate", "watterson-poor")
"""White noise alone, or after a path by way of the ionosphere."""


def path(
    name: str,
    snr_db: float,
    offset_hz: float = 0.0,
    ppm: float = 0.0,
    cheap: bool = False,
) -> list[Effect]:
    """The effects of a path, for an `IqChain`.

    Args:
        name: one of `PATHS`.
        snr_db: of the mean signal to the noise in 3 kHz.
        offset_hz, ppm: errors of the receiver's frequency and clock.
        cheap: whether the receiver has the faults of ``cheap-receiver`` beside these.

    Raises:
        ParameterError: no such path, or a number out of range.

    >>> [str(effect) for effect in path("watterson-poor", -3, offset_hz=80)]
    ['watterson preset=poor', 'frequency hz=80', 'noise snr_db=-3']
    """
    _, _, preset = one_of("path", name, PATHS).partition("-")
    effects: list[Effect] = [Watterson(preset=preset)] if preset else []
    # Before the noise, so that this is white at the level stated.
    effects += [Frequency(hz=offset_hz)] if offset_hz else []
    effects += [Clock(ppm=ppm)] if ppm else []
    effects += [Noise(snr_db=snr_db)]
    return effects + (effects_from("cheap-receiver") if cheap else [])
