"""The link profiles: how much protection a frame carries."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

from voicelink.blocks.crc import CRC_BITS
from voicelink.blocks.header import HEADER_BITS
from voicelink.models.errors import FormatError, one_of
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SECONDS


@dataclass(frozen=True)
class Profile:
    """One link profile, as `profiles.yaml` lists it.

    Attributes:
        name: ``plain``, ``checked``, ``half`` or ``third``.
        bits: bits of a frame, all included.
        header: whether header and CRC go with the payload.
        fec: ``none`` or ``ldpc``.
        interleaver: factors of the interleaver's polynomial; None where it has none.
        use: what it is for.
    """

    name: str
    bits: int
    header: bool
    fec: str = "none"
    interleaver: tuple[int, int] | None = None
    use: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of a frame."""
        return self.bits // 8

    @property
    def information_bits(self) -> int:
        """Bits before error correction: the payload, and header and CRC where it has them."""
        return PAYLOAD_BITS + (HEADER_BITS + CRC_BITS if self.header else 0)

    @property
    def rate(self) -> float:
        """Code rate: `information_bits` / `bits`."""
        return self.information_bits / self.bits

    @property
    def bit_rate(self) -> float:
        """Bits per second on the air."""
        return self.bits / SUPERFRAME_SECONDS


@functools.cache
def profiles() -> dict[str, Profile]:
    """All profiles by name, the least protected first. Not to be changed."""
    import yaml

    with resources.files(__package__).joinpath("profiles.yaml").open() as file:
        entries = yaml.safe_load(file)
    result = {}
    for name, entry in entries.items():
        if "interleaver" in entry:
            entry["interleaver"] = tuple(entry["interleaver"])
        result[name] = Profile(name, **entry)
    return result


def profile(name: str | Profile) -> Profile:
    """The profile of that name; a `Profile` is given back as it is.

    Raises:
        ParameterError: there is none of that name.
    """
    if isinstance(name, Profile):
        return name
    return profiles()[one_of("profile", name, profiles())]


def profile_of_length(length: int) -> Profile:
    """The profile whose frame takes ``length`` bytes; each has another length.

    Raises:
        FormatError: no profile has such frames.
    """
    for candidate in profiles().values():
        if candidate.bytes == length:
            return candidate
    known = ", ".join(str(candidate.bytes) for candidate in profiles().values())
    raise FormatError(f"a link frame must have one of {known} bytes, not {length}")
