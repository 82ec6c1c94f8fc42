"""A sweep that has been read and checked, and its points."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from voicelink.link_sim.sweeping.inputs import input_names

AXES = ("profile", "spread", "model", "speech")
"""What a sweep may vary beside the settings of its channels."""

SAMPLE = "sample"
"""The name of the recording that comes with the package."""


@dataclass(frozen=True)
class Point:
    """One run of a sweep: everything that its result depends on.

    Attributes:
        profile: the link profile's name.
        spread: packets that each frame is spread over; 1 for none.
        model: a released model's id, or a model's folder.
        codec: whose speech travels: the model's, or a peer's such as ``codec2-700C``.
        speech: name of the recording; "" for the link alone.
        path: its file; "" for the link alone.
        channel: the channels, a list of ``{name: {setting: value}}``.
        varied: the settings of the channels that the sweep varies, by their names there.
        replica: which of the sweep's seeds.
        frames: superframes that the link alone carries; 0 where there is speech.
        buffer: seconds that the receiver waits for stragglers.
        measures: names of what is measured of the speech.
        keep_audio: whether the speech is kept.
        inputs: hashes of its model, its recording and the files of its channels.
    """

    profile: str
    spread: int
    model: str
    codec: str
    speech: str
    path: str
    channel: tuple[dict, ...]
    varied: dict[str, Any] = field(hash=False)
    replica: int
    frames: int
    buffer: float
    measures: tuple[str, ...] = ()
    keep_audio: bool = False
    inputs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Ten hexadecimal digits that name it, by all that its result depends on."""
        settings = asdict(self)
        for name in ("varied", "path", "keep_audio"):
            del settings[name]
        return _digest(settings)[:10]

    @property
    def seed(self) -> int:
        """Of everything random in it, 0 to 2^32 - 1: `voicelink sim` takes it with ``--seed``.

        It comes from the sweep's seed, the channels and the recording, and from nothing else: every
        profile, depth, model and codec meets the same losses and fading (the noise depends on the
        packets' length too), and no order of the work and no other point changes it.
        """
        return int(_digest([self.replica, self.channel, self.speech])[:8], 16)


@dataclass(frozen=True)
class Sweep:
    """A sweep, checked: the grid is the product of all that varies, in the order of ``vary``.

    Attributes:
        title, about: for people.
        channels: for each choice of the channels' varied settings, in the grid's order, those
            settings by name, and the channels as a list of ``{name: {setting: value}}``.
        vary: the names of what varies, in order, with the values.
        fixed: the values of those of `AXES` that do not vary.
        speech: for each entry under ``speech``, its recordings: names and files.
        inputs: for each model, recording and file of a channel the hash of its content.
        seeds, frames, compare, measures, keep_audio, buffer: as in the file.
        resolved: the sweep as plain data, every default and every value written out.
        notes: what whoever runs it should know, such as codecs that are not here.
    """

    title: str
    about: str
    channels: list[tuple[dict[str, Any], tuple[dict, ...]]]
    vary: dict[str, list]
    fixed: dict[str, Any]
    speech: dict[str, list[tuple[str, Path]]]
    inputs: dict[str, str]
    seeds: list[int]
    frames: int
    compare: list[str]
    measures: list[str]
    keep_audio: bool
    buffer: float
    resolved: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def varied(self) -> list[str]:
        """The names of the channels' settings that vary."""
        return [name for name in self.vary if name not in AXES]

    def files(self) -> list[Path]:
        """What it reads beside its own file and its models: recordings, and files of channels."""
        recordings = [path for entry in self.speech.values() for _, path in entry]
        kinds = (name.partition(" ") for name in self.inputs)
        return recordings + [Path(path) for kind, _, path in kinds if kind == "file"]

    def points(self) -> Iterator[Point]:
        """Its points, in the order of the grid; recordings, seeds and codecs change fastest."""
        channels = {tuple(at.values()): channel for at, channel in self.channels}
        for values in itertools.product(*self.vary.values()):
            chosen = self.fixed | dict(zip(self.vary, values, strict=True))
            at = {name: chosen[name] for name in self.varied}
            entry = chosen["speech"]
            for name, path in self.speech[entry] if entry else [("", "")]:
                channel = channels[tuple(at.values())]
                inputs = input_names(chosen["model"], name, channel)
                codecs = [chosen["model"], *(self.compare if entry else ())]
                for replica, codec in itertools.product(self.seeds, codecs):
                    yield Point(
                        profile=chosen["profile"],
                        spread=chosen["spread"],
                        model=chosen["model"],
                        codec=codec,
                        speech=name,
                        path=str(path),
                        channel=channel,
                        varied=at,
                        replica=replica,
                        frames=0 if entry else self.frames,
                        buffer=self.buffer,
                        measures=tuple(self.measures) if entry else (),
                        keep_audio=self.keep_audio and bool(entry),
                        inputs=tuple(self.inputs[each] for each in inputs),
                    )


def _digest(settings: Any) -> str:
    text = json.dumps(settings, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
