"""A link decoder that tells the profile from the packet's length."""

from __future__ import annotations

from voicelink.blocks.link import LinkDecoder, LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import Profile, profile, profile_of_length, profiles
from voicelink.models.card import RELIABLE_FROM, Card
from voicelink.models.errors import one_of
from voicelink.models.sizes import PAYLOAD_BITS

AUTO = "auto"
"""In place of a profile's name: by the length of each packet."""


class AutoLinkDecoder:
    """A `LinkDecoder` of one profile, or of whichever each packet has.

    Args:
        profile: the link profile by name, or `AUTO`.
        model: number of the speech codec's model.
        payload_bits: of its payloads, as its `Card` says.
        voices: whether it sends the speaker's voice apart.
        reliable_from: as for `LinkDecoder`.

    Raises:
        ParameterError: as `LinkDecoder`.
    """

    def __init__(
        self,
        profile: str = AUTO,
        model: int = 1,
        payload_bits: int = PAYLOAD_BITS,
        voices: bool = False,
        reliable_from: float = RELIABLE_FROM,
    ) -> None:
        self._model = model
        self._payload_bits = payload_bits
        self._voices = voices
        self._reliable_from = reliable_from
        self._links: dict[str, LinkDecoder] = {}
        one_of("profile", profile, [AUTO, *profiles(payload_bits)])
        self._fixed = None if profile == AUTO else _profile(profile, payload_bits)
        if self._fixed is not None:
            self._link(self._fixed)

    @classmethod
    def of(cls, card: Card, profile: str = AUTO) -> AutoLinkDecoder:
        """The decoder for a model's frames."""
        return cls(
            profile, card.number, card.payload_bits, bool(card.voice_bytes), card.reliable_from
        )

    def profile_of(self, packet: Packet) -> Profile:
        """The profile that ``packet`` is decoded by.

        Raises:
            FormatError: none has frames of this length.
        """
        return self._fixed or profile_of_length(packet.bits / 8, self._payload_bits)

    def decode(self, packet: Packet) -> LinkFrame:
        """The frame in one packet.

        Raises:
            FormatError: the packet has a length of no profile, or of another than the one chosen.
        """
        return self._link(self.profile_of(packet)).decode(packet)

    def _link(self, chosen: Profile) -> LinkDecoder:
        if chosen.name not in self._links:
            self._links[chosen.name] = LinkDecoder(
                chosen,
                self._model,
                voices=self._voices,
                reliable_from=self._reliable_from,
            )
        return self._links[chosen.name]


# The class's argument `profile` hides the function of that name.
_profile = profile
