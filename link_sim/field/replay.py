"""A replay beside what was noted when the signal was recorded."""

from __future__ import annotations

from typing import Any

_COMPARED = ("status", "sequence", "snr_db", "offset_hz")


class Comparison:
    """Compares frames with the annotations of a recording.

    Args:
        annotations: of the recording.

    Attributes:
        known: frames that the annotations tell of.
        same: frames of the replay that are the same in `status`, `sequence`, SNR and offset.
        other: frames of the replay that are not.
    """

    def __init__(self, annotations: list[dict[str, Any]]) -> None:
        ours = [entry for entry in annotations if "voicelink:status" in entry]
        self._known = {
            _key(entry["core:sample_start"], lambda name, e=entry: e.get(f"voicelink:{name}"))
            for entry in ours
        }
        self.known = len(ours)
        self.same = self.other = 0

    def add(self, values: dict[str, Any]) -> None:
        """A frame, as its line in the log says it."""
        if _key(values["sample"], values.get) in self._known:
            self.same += 1
        else:
            self.other += 1

    def summary(self) -> str:
        """A line for people."""
        if self.same == self.known and not self.other:
            return f"the same {self.known} frames as were noted in the recording"
        return (
            f"{self.same} of {self.known} frames as were noted in the recording,"
            f" and {self.other} others"
        )


def _key(sample: int, value_of) -> tuple:
    # What a stranger's metadata have there need not be hashable.
    return (sample, *(repr(value_of(name)) for name in _COMPARED))
