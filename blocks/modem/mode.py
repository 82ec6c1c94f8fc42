"""The modes of the modem, and where in a burst each symbol stands."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np

from voicelink.blocks.profile import Profile, profile
from voicelink.blocks.spread import LABEL_BITS, check_depth
from voicelink.models.errors import one_of
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

MODEM_RATE = 8000
"""Complex samples per second, in and out."""

BURST_SAMPLES = SUPERFRAME_SAMPLES * MODEM_RATE // 8000
"""Samples that a burst takes: 320 ms."""


@dataclass(frozen=True)
class Mode:
    """One mode of the modem, as ``modes.yaml`` lists it.

    Attributes:
        name: by which it is chosen.
        use: what it is for.
        profile: name of the link profile whose frames it carries.
        bits_per_symbol: 1 for BPSK, 2 for QPSK.
        rolloff: of the root-raised-cosine pulse, 0 to 1.
        preamble: the known symbols before the data, as a string of 0 and 1.
        probes: known symbols between the data.
        data: hundredths of the data before each probe, and after the last.
    """

    name: str
    use: str
    profile: str
    bits_per_symbol: int
    rolloff: float
    preamble: str
    probes: tuple[str, ...]
    data: tuple[int, ...]

    def layout(self, spread: int = 1, payload_bits: int = PAYLOAD_BITS) -> Layout:
        """The burst of a link frame, or of a packet of frames spread over ``spread`` packets.

        Shorter payloads make fewer symbols, which take as long.

        Raises:
            ParameterError: ``spread`` is not 1, 2, 4, 8 or 16, or there are no such payloads.
        """
        return _layout(self, check_depth(spread) > 1, payload_bits)


@dataclass(frozen=True, eq=False)
class Layout:
    """The symbols of one burst.

    Attributes:
        mode: the `Mode`.
        bits: of the packet that it carries.
        payload_bits: of them those of a payload.
        symbols: of the burst, all counted.
        known: complex128 (symbols,), the known symbols, of magnitude 1, and 0 where data stand.
        data_at: int (d,), the places of the data, rising.
        preamble: how many known symbols stand at the start.
        symbol_rate: in Bd.
        samples_per_symbol: at `MODEM_RATE`, not always a whole number.
        bandwidth: in Hz, all that the pulse has but its tails: (1 + rolloff) symbol_rate.
        overhead_db: energy that goes into known symbols, in dB above that of the data.
    """

    mode: Mode
    bits: int
    payload_bits: int
    known: np.ndarray
    data_at: np.ndarray
    preamble: int

    @property
    def symbols(self) -> int:
        return len(self.known)

    @property
    def known_around(self) -> np.ndarray:
        """`known`, and behind it the preamble of the next burst, or the one that ends the over."""
        return np.concatenate((self.known, self.known[: self.preamble]))

    @property
    def symbol_rate(self) -> float:
        return self.symbols / SUPERFRAME_SECONDS

    @property
    def samples_per_symbol(self) -> float:
        return BURST_SAMPLES / self.symbols

    @property
    def bandwidth(self) -> float:
        return (1 + self.mode.rolloff) * self.symbol_rate

    @property
    def overhead_db(self) -> float:
        return float(10 * np.log10(self.symbols / len(self.data_at)))


@functools.cache
def modes() -> dict[str, Mode]:
    """All modes by name, the usual one first. Not to be changed."""
    import yaml

    with resources.files(__package__).joinpath("modes.yaml").open() as file:
        entries = yaml.safe_load(file)
    for entry in entries.values():
        entry["probes"], entry["data"] = tuple(entry["probes"]), tuple(entry["data"])
    return {name: Mode(name, **entry) for name, entry in entries.items()}


def mode(name: str | Mode) -> Mode:
    """The mode of that name; a `Mode` is given back as it is.

    Raises:
        ParameterError: there is none of that name.
    """
    if isinstance(name, Mode):
        return name
    return modes()[one_of("mode", name, modes())]


@functools.cache
def _layout(chosen: Mode, spread: bool, payload_bits: int) -> Layout:
    carried: Profile = profile(chosen.profile, payload_bits)
    bits = carried.bits + (LABEL_BITS if spread else 0)
    data = bits // chosen.bits_per_symbol
    ends = np.round(np.cumsum(chosen.data) * data / 100).astype(int)
    parts = np.diff(ends, prepend=0)
    known = [_symbols(chosen.preamble, chosen.bits_per_symbol)]
    for part, probe in zip(parts, (*chosen.probes, ""), strict=True):
        known += [np.zeros(part, complex), _symbols(probe, chosen.bits_per_symbol)]
    whole = np.concatenate(known)
    whole.setflags(write=False)
    return Layout(
        chosen,
        bits,
        payload_bits,
        whole,
        np.flatnonzero(whole == 0),
        len(chosen.preamble),
    )


def _symbols(bits: str, bits_per_symbol: int) -> np.ndarray:
    """Known symbols: two opposite points of the mode's own constellation."""
    point = 1 if bits_per_symbol == 1 else (1 + 1j) / np.sqrt(2)
    return np.array([point * (1 - 2 * int(bit)) for bit in bits], complex)
