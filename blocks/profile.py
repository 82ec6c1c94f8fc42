"""The link profiles: how much protection a frame carries, for each size that payloads have."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

from voicelink.blocks.crc import CRC_BITS
from voicelink.blocks.header import HEADER_BITS
from voicelink.models.errors import FormatError, ParameterError, one_of
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SECONDS


@dataclass(frozen=True)
class Profile:
    """One link profile, as `profiles.yaml` lists it.

    Attributes:
        name: ``plain``, ``checked``, ``half`` or ``third``.
        bits: bits of a frame, all included.
        payload_bits: bits of its payload.
        header: whether header and CRC go with the payload.
        fec: ``none`` or ``ldpc``.
        interleaver: factors of the interleaver's polynomial; None where it has none.
        use: what it is for.
    """

    name: str
    bits: int
    payload_bits: int
    header: bool
    fec: str = "none"
    interleaver: tuple[int, int] | None = None
    use: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of a frame."""
        return self.bits // 8

    @property
    def payload_bytes(self) -> int:
        """Bytes of its payload."""
        return self.payload_bits // 8

    @property
    def information_bits(self) -> int:
        """Bits before error correction: the payload, and header and CRC where it has them."""
        return self.payload_bits + (HEADER_BITS + CRC_BITS if self.header else 0)

    @property
    def rate(self) -> float:
        """Code rate: `information_bits` / `bits`."""
        return self.information_bits / self.bits

    @property
    def bit_rate(self) -> float:
        """Bits per second on the air."""
        return self.bits / SUPERFRAME_SECONDS


@functools.cache
def _entries() -> dict[str, dict]:
    import yaml

    with resources.files(__package__).joinpath("profiles.yaml").open() as file:
        return yaml.safe_load(file)


def payload_sizes() -> list[int]:
    """The bits that payloads may have, the usual number first."""
    return list(next(iter(_entries().values()))["frames"])


@functools.cache
def profiles(payload_bits: int = PAYLOAD_BITS) -> dict[str, Profile]:
    """All profiles by name, for payloads of so many bits, the least protected first.

    Not to be changed.

    Raises:
        ParameterError: payloads have another number of bits.
    """
    if payload_bits not in payload_sizes():
        known = ", ".join(map(str, sorted(payload_sizes())))
        raise ParameterError(f"payloads on the link must have {known} bits, not {payload_bits!r}")
    result = {}
    for name, entry in _entries().items():
        common = {key: value for key, value in entry.items() if key != "frames"}
        frame = dict(entry["frames"][payload_bits])
        if "interleaver" in frame:
            frame["interleaver"] = tuple(frame["interleaver"])
        result[name] = Profile(name, payload_bits=payload_bits, **common, **frame)
    return result


def profile(name: str | Profile, payload_bits: int = PAYLOAD_BITS) -> Profile:
    """The profile of that name for payloads of so many bits; a `Profile` is given back as it is.

    Raises:
        ParameterError: there is none of that name, or for such payloads.
    """
    if isinstance(name, Profile):
        return name
    return profiles(payload_bits)[one_of("profile", name, _entries())]


def profile_of_length(length: int, payload_bits: int = PAYLOAD_BITS) -> Profile:
    """The profile whose frame takes ``length`` bytes with payloads of so many bits.

    Each has another length.

    Raises:
        FormatError: no profile has such frames.
    """
    for candidate in profiles(payload_bits).values():
        if candidate.bytes == length:
            return candidate
    known = ", ".join(str(candidate.bytes) for candidate in profiles(payload_bits).values())
    raise FormatError(f"a link frame must have one of {known} bytes, not {length}")
