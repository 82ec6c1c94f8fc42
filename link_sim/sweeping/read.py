"""A sweep from YAML: every key and value checked, and every point built, before anything runs."""

from __future__ import annotations

import copy
import itertools
import math
from importlib import resources
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from voicelink.blocks.profile import profiles
from voicelink.blocks.receiver import LONGEST_BUFFER
from voicelink.blocks.spread import check_depth
from voicelink.link_sim.benchmark import SAMPLE as SAMPLE_FILE
from voicelink.link_sim.channels import read_yaml
from voicelink.link_sim.channels.compose import channels_from
from voicelink.link_sim.channels.compose import read as read_channels
from voicelink.link_sim.channels.read_yaml import Document
from voicelink.link_sim.channels.registry import CHANNELS
from voicelink.link_sim.recordings import audio_files
from voicelink.link_sim.sweeping.channel_setting import (
    PREFIX,
    as_mappings,
    find_setting,
    name_of,
    plain,
)
from voicelink.link_sim.sweeping.codec2 import peer, peers
from voicelink.link_sim.sweeping.inputs import file_hash, input_names, model_hash
from voicelink.link_sim.sweeping.sweep import AXES, SAMPLE, Sweep
from voicelink.models.card import DEFAULT, card, variants
from voicelink.models.errors import ParameterError, one_of, require
from voicelink.models.evaluation.measures import MEASURES, WITHOUT_TRANSCRIPTS

_KEYS = (
    "title", "about", "channel", "vary", *AXES,
    "seeds", "frames", "compare", "keep_audio", "measures", "buffer", "inputs",
)  # fmt: skip
_DEFAULTS = {"profile": "checked", "spread": 1, "model": DEFAULT, "speech": ""}
_MOST_STEPS = 10_000


def sweep_names() -> list[str]:
    """The names of the sweeps that come with the package, sorted."""
    folder = resources.files("voicelink.link_sim") / "sweeps"
    return sorted(
        e.name.removesuffix(".yaml") for e in folder.iterdir() if e.name.endswith(".yaml")
    )


def read_document(name: str | Path) -> Document:
    """The YAML of a sweep: a file that ends in .yaml or .yml, or one that comes with the package.

    Raises:
        ParameterError: there is none, or it is no YAML.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        one_of("a sweep, a .yaml file or a name,", str(name), sweep_names())
        file = resources.files("voicelink.link_sim") / "sweeps" / f"{name}.yaml"
        return read_yaml.parse(file.read_text("utf-8"), f"sweep {name}")
    return read_yaml.read_file(path)


def read_sweep(name: str | Path) -> Sweep:
    """The sweep in a file or of a name (`read_document`).

    Raises:
        ParameterError: in one line with the file's name and the line where it can be told: a wrong
            key, type, range or name, settings that do not go together, something that is not
            installed.
    """
    return _Reader(read_document(name)).sweep()


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.folder = (document.folder or Path()).resolve()
        if not isinstance(document.data, dict):
            raise document.error((), f"a sweep must be keys with values, not {document.data!r:.60}")
        self.data = document.data
        for key in self.data:
            with document.errors_at((key,)):
                one_of("a key", key, _KEYS)

    def sweep(self) -> Sweep:
        title, about = self._text("title"), self._text("about")
        channel = self._channel()
        written = self.data.get("vary") or {}
        if not isinstance(written, dict):
            raise self.document.error(
                ("vary",), f"vary must be names with lists of values, not {written!r:.60}"
            )
        settings, vary = {}, {}
        for key, values in written.items():
            at = ("vary", key)
            with self.document.errors_at(at):
                if str(key).startswith(PREFIX):
                    settings[key] = find_setting(key, channel.data["channel"])
                    check = settings[key].check
                else:
                    known = [f"{PREFIX}NAME.SETTING", *AXES]
                    one_of("what varies", key, known)
                    if key in self.data:
                        raise ParameterError(f"{key} must stand at the top or under vary, not both")
                    check = getattr(self, f"_{key}")
                values = _values(key, values)
            vary[key] = []
            for index, value in enumerate(values):
                with self.document.errors_at(
                    (*at, index) if isinstance(written[key], list) else at
                ):
                    vary[key].append(check(value))
            if len(set(map(str, vary[key]))) < len(vary[key]):
                raise self.document.error(at, f"{key} names a value twice")
        fixed = {name: self._fixed(name) for name in AXES if name not in vary}
        recordings = self._recordings([*vary.get("speech", []), fixed.get("speech", "")])
        channels = self._channels(channel, settings, vary)
        models = vary.get("model") or [fixed["model"]]
        inputs = self._inputs(models, recordings, [each for _, each in channels])
        seeds = self._seeds()
        frames = self._number("frames", 2000, 1, 10**7, whole=True)
        buffer = float(self._number("buffer", 0.2, 0, LONGEST_BUFFER))
        keep_audio = self._switch("keep_audio")
        compare, notes = self._compare(
            bool(recordings), [*vary.get("profile", []), fixed.get("profile")]
        )
        measures = self._measures(bool(recordings))
        resolved = {
            "title": title,
            "about": about,
            "channel": list(channels[0][1]),
            **{name: value for name, value in fixed.items() if value != ""},
            "vary": vary,
            "seeds": seeds,
            "frames": frames,
            "compare": compare,
            "keep_audio": keep_audio,
            "measures": measures,
            "buffer": buffer,
            "inputs": inputs,
        }
        return Sweep(
            title, about, channels, vary, fixed, recordings, inputs, seeds, frames, compare,
            measures, keep_audio, buffer, resolved, notes,
        )  # fmt: skip

    def _text(self, key: str) -> str:
        value = self.data.get(key, "")
        if not isinstance(value, str):
            raise self.document.error((key,), f"{key} must be text, not {value!r:.60}")
        return value

    def _channel(self) -> Document:
        """The channels as a document of ``{"channel": [{name: {setting: value}}]}``."""
        value = self.data.get("channel", [])
        with self.document.errors_at(("channel",)):
            if isinstance(value, str):
                file = value.endswith((".yaml", ".yml"))
                found = read_channels(self.folder / value if file else value)
            else:
                found = Document({"channel": value}, self.document.source, self.document.lines)
                found.folder = self.folder
        listed = found.data["channel"] if isinstance(found.data, dict) else found.data
        if not isinstance(listed, list):
            channels_from(found)  # says what is wrong with it
        lines = found.lines
        if not isinstance(found.data, dict):
            lines = {("channel", *path): line for path, line in lines.items()}
        for index, item in enumerate(listed):
            with Document(None, found.source, lines).errors_at(("channel", index)):
                if name_of(item):
                    one_of("a channel", name_of(item), CHANNELS)
        with self.document.errors_at(("channel",)):
            result = Document({"channel": as_mappings(listed)}, found.source, lines)
        result.folder = found.folder
        return result

    def _channels(self, channel, settings, vary) -> list:
        """The channels of each choice of their settings, built once to see that they can be."""
        result = []
        for values in itertools.product(*(vary[name] for name in settings)):
            listed = copy.deepcopy(channel.data["channel"])
            for setting, value in zip(settings.values(), values, strict=True):
                setting.put(listed, value)
            point = Document({"channel": listed}, channel.source, channel.lines)
            point.folder = channel.folder
            built = tuple(plain(each) for each in channels_from(point))
            result.append((dict(zip(settings, values, strict=True)), built))
        return result

    def _fixed(self, name: str) -> Any:
        if name not in self.data:
            return _DEFAULTS[name]
        with self.document.errors_at((name,)):
            return getattr(self, f"_{name}")(self.data[name])

    def _profile(self, value: Any) -> str:
        return one_of("profile", value, profiles())

    def _spread(self, value: Any) -> int:
        return check_depth(value)

    def _model(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ParameterError(
                f"model must be the name of a model or its folder, not {value!r:.60}"
            )
        if value in variants():
            return value
        folder = (self.folder / value).resolve()
        if not (folder / "card.yaml").is_file():
            one_of("model", value, variants())
        card(folder)
        return str(folder)

    def _speech(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ParameterError(f"speech must be {SAMPLE}, a file or a folder, not {value!r:.60}")
        if value == SAMPLE:
            return value
        path = (self.folder / value).resolve()
        audio_files(path)
        return str(path)

    def _recordings(self, entries: list[str]) -> dict[str, list[tuple[str, Path]]]:
        """The recordings of each entry, with a name for each that no other has."""
        found = {
            entry: [SAMPLE_FILE] if entry == SAMPLE else audio_files(entry)
            for entry in dict.fromkeys(entries)
            if entry
        }
        taken: set[str] = set()
        result = {}
        for entry, files in found.items():
            named = []
            for file in files:
                name = number = file.stem
                for count in itertools.count(2):
                    if name not in taken:
                        break
                    name = f"{number}-{count}"
                taken.add(name)
                named.append((name, file))
            result[entry] = named
        return result

    def _inputs(self, models: list, recordings: dict, channels: list) -> dict[str, str]:
        """The hash of all that is read; where the sweep says one, it must be that."""
        files = {f"speech {name}": file for each in recordings.values() for name, file in each}
        for model, channel in itertools.product(models, channels):
            for name in input_names(model, "", channel):
                files.setdefault(name, name.partition(" ")[2])
        result = {
            name: model_hash(file) if name.startswith("model ") else file_hash(file)
            for name, file in sorted(files.items())
        }
        said = self.data.get("inputs", {})
        if not isinstance(said, dict):
            raise self.document.error(
                ("inputs",), f"inputs must be hashes by name, not {said!r:.60}"
            )
        for name, value in result.items():
            if said.get(name, value) != value:
                raise self.document.error(
                    ("inputs", name), f"{name} has changed: its hash is {value}, not {said[name]}"
                )
        return result

    def _seeds(self) -> list[int]:
        value = self.data.get("seeds", 1)
        wanted = "seeds must be how many, 1 at least, or a list of whole numbers of at least 0"
        if not isinstance(value, list):
            if (
                not isinstance(value, Integral)
                or isinstance(value, bool)
                or not 1 <= value <= 10**6
            ):
                raise self.document.error(("seeds",), f"{wanted}, not {value!r:.60}")
            return list(range(1, value + 1))
        for index, seed in enumerate(value):
            if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
                raise self.document.error(("seeds", index), f"{wanted}, not {seed!r:.60}")
        if not value or len(set(value)) < len(value):
            raise self.document.error(("seeds",), f"{wanted}, each once, not {value!r:.60}")
        return value

    def _number(self, key: str, default: float, low: float, high: float, whole=False) -> float:
        value = self.data.get(key, default)
        with self.document.errors_at((key,)):
            if not isinstance(value, Integral if whole else Real) or isinstance(value, bool):
                kind = "whole number" if whole else "number"
                raise ParameterError(f"{key} must be a {kind}, not {value!r:.60}")
            return require(key, value, low, high)

    def _switch(self, key: str) -> bool:
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.document.error((key,), f"{key} must be true or false, not {value!r:.60}")
        return value

    def _compare(self, speech: bool, used: list) -> tuple[list[str], list[str]]:
        names, notes = [], []
        for index, name in self._names("compare", []):
            with self.document.errors_at(("compare", index)):
                peer(one_of("compare", name, peers()))
                if not speech:
                    raise ParameterError("compare needs speech: a link alone has no codec")
                unchecked = [p for p in used if p and not profiles()[p].header]
                if unchecked:
                    raise ParameterError(
                        f"compare needs profiles with a CRC, by which a peer's frames are dropped; "
                        f"{unchecked[0]} has none"
                    )
            missing = peer(name).absent()
            if missing:
                notes.append(f"absent: {missing}")
            else:
                names.append(name)
        return names, notes

    def _measures(self, speech: bool) -> list[str]:
        names = []
        for index, name in self._names("measures", ["estoi"]):
            with self.document.errors_at(("measures", index)):
                measure = MEASURES[one_of("measures", name, WITHOUT_TRANSCRIPTS)]
                if speech and measure.absent():
                    raise ParameterError(f"measures: {measure.absent()}")
            names.append(name)
        return names if speech else []

    def _names(self, key: str, default: list[str]) -> list[tuple[int, str]]:
        value = self.data.get(key, default)
        if not isinstance(value, list) or len(set(map(str, value))) < len(value):
            raise self.document.error(
                (key,), f"{key} must be a list of names, each once, not {value!r:.60}"
            )
        return list(enumerate(value))


def _values(key: str, values: Any) -> list:
    """The values of something that varies: a list, or from, to and step.

    >>> _values("x", {"from": 0, "to": 0.3, "step": 0.1})
    [0.0, 0.1, 0.2, 0.3]
    """
    if isinstance(values, list) and values:
        return values
    if not isinstance(values, dict) or set(values) != {"from", "to", "step"}:
        wanted = "a list of values, or {from: 0, to: 0.4, step: 0.1}"
        raise ParameterError(f"{key} must have {wanted}, not {values!r:.60}")
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise ParameterError(f"{key}: {name} must be a number, not {value!r:.60}")
    low, high, step = (values[name] for name in ("from", "to", "step"))
    if step <= 0 or low > high:
        raise ParameterError(f"{key}: step must be above 0 and from at most to, not {values!r:.60}")
    count = math.floor((high - low) / step + 1e-9) + 1
    if count > _MOST_STEPS:
        raise ParameterError(f"{key} must have at most {_MOST_STEPS} values, not {count}")
    # Rounded, as 0.1 times 3 is not 0.3.
    steps = [low + index * step for index in range(count)]
    return steps if all(isinstance(v, int) for v in steps) else [round(v, 10) for v in steps]
