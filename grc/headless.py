"""A flowgraph without its graphical surface and sound card: the same file, changed by rule.

So there is no second copy of a flowgraph to be kept the same for tests and for machines without a
display:

- sliders and choosers become command-line options with the same defaults;
- graphical sinks, connections to them, and blocks that work for them alone are left out;
- a sound card's input is read from a WAV file, its output written to one, each an option named
  after the block: ``--speaker-file`` for the audio sink ``speaker``. What is written to files
  already is not written again, nor is the choice between such signals;
- a microphone behind which an encoder waits for its switch becomes a recording that switches it;
- files are read once, and whether they can be is looked at before any other is written; what is
  wrong with one, or with a sound card, is said in one line;
- unless it is to run in real time, nothing is throttled, and speech decoders, modulators and files
  in place of radios go by their data and not by the clock: the flowgraph runs as fast as it can,
  and ends with its input.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from voicelink.models.errors import FormatError

_PACED = [
    f"voicelink_{name}" for name in ("decoder", "modulator", "radio_sink", "radio_source", "rx")
]
"""Blocks that go by a clock, or else by their data."""

_TYPES = {"float": "eng_float", "real": "eng_float", "int": "intx", "string": "str"}


def headless(text: str, realtime: bool = False, speaker: bool = False) -> str:
    """The form without a display of a flowgraph, both as YAML.

    Args:
        text: the content of a .grc file.
        realtime: keep what paces it by the clock; files in place of a sound card's input are
            then read at their sample rate.
        speaker: keep the sound card's output; it takes sound in real time.

    Raises:
        FormatError: it is no flowgraph.
    """
    import yaml

    try:
        graph = yaml.safe_load(text)
        return yaml.safe_dump(_Headless(graph, realtime, speaker).graph, sort_keys=False)
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError):
        raise FormatError("it is no flowgraph of GRC") from None


class _Headless:
    def __init__(self, graph: dict[str, Any], realtime: bool, speaker: bool):
        self.graph = graph
        self.realtime = realtime
        self.speaker = speaker
        self.connections = graph["connections"] = list(graph["connections"] or ())
        options = graph["options"]["parameters"]
        options |= {"generate_options": "no_gui", "run_options": "run"}
        blocks = copy.deepcopy(graph["blocks"])
        enabled = [block for block in blocks if block["states"]["state"] == "enabled"]
        self._kinds = {block["name"]: block["id"] for block in enabled}
        self._waiting = {b["name"] for b in enabled if b["parameters"].get("transmit") == "False"}
        self._gone: set[str] = set()
        made = [made for block in blocks for made in self._rule(block["id"])(block)]
        kept = [block for block in made if block["name"] not in self._gone]
        graph["blocks"] = _with_beginning(kept)

    def _rule(self, kind: str) -> Callable[[dict], list[dict]]:
        if kind.startswith("variable_qtgui_"):
            return self._setting
        if kind.startswith("qtgui_"):
            return self._left_out
        rules = {
            "audio_source": self._source,
            "audio_sink": self._sink,
            "blocks_wavfile_source": self._file,
            "blocks_throttle": self._throttle,
        } | dict.fromkeys(_PACED, self._paced)
        return rules.get(kind, lambda block: [block])

    def _setting(self, block: dict) -> list[dict]:
        self._without(block["name"])  # a check box that sends messages has connections
        self._gone.discard(block["name"])
        given = block["parameters"]
        kind = _TYPES.get(given.get("rangeType") or given.get("type", ""), "")
        return [_parameter(block, block["name"], kind, given["value"], given.get("label", ""))]

    def _left_out(self, block: dict) -> list[dict]:
        self._without_its_own(block["name"])
        return []

    def _without_its_own(self, name: str) -> None:
        """Leave out a block, and what works for that alone."""
        sources = {c[0] for c in self.connections if c[2] == name}
        self._without(name)
        for source in sources:
            fed = any(c[2] == source for c in self.connections)
            if fed and all(c[0] != source for c in self.connections):
                self._without_its_own(source)

    def _without(self, name: str) -> list[dict]:
        self._gone.add(name)
        self.connections[:] = [c for c in self.connections if name not in (c[0], c[2])]
        return []

    def _source(self, block: dict) -> list[dict]:
        name, rate = block["name"], block["parameters"].get("samp_rate", "samp_rate")
        file = _parameter(block, f"{name}_file", "str", f"{name}.wav", "WAV file to read")
        if self._switched(name):
            pace = "clock" if self.realtime else "data"
            return [file, _like(block, name, "voicelink_recording", file=f"{name}_file", pace=pace)]
        source = _like(block, name, "blocks_wavfile_source", file=f"{name}_file", repeat="False")
        if not self.realtime:
            return [file, source]
        clock = f"{name}_clock"
        for connection in self.connections:
            if connection[0] == name:
                connection[0] = clock
        self.connections.append([name, "0", clock, "0"])
        return [file, source, _throttle(block, clock, rate)]

    def _switched(self, name: str) -> bool:
        """Whether an encoder behind it waits for its switch, which is not there any more."""
        return any(c[0] == name and c[2] in self._waiting for c in self.connections)

    def _sink(self, block: dict) -> list[dict]:
        if self.speaker:
            return [block]
        name, rate = block["name"], block["parameters"].get("samp_rate", "samp_rate")
        sources = [c[:2] for c in self.connections if c[2] == name]
        if all(self._recorded(source) for source in sources):
            for source, _ in sources:
                if self._kinds.get(source) == "blocks_selector":
                    self._without(source)
            return self._without(name)
        file = _parameter(block, f"{name}_file", "str", f"{name}.wav", "WAV file to write")
        sink = _like(
            block, name, "blocks_wavfile_sink",
            file=f"{name}_file", samp_rate=rate, nchan=block["parameters"].get("num_inputs", "1"),
            format="FORMAT_WAV", bits_per_sample1="FORMAT_PCM_16", append="False",
        )  # fmt: skip
        return [file, sink]

    def _recorded(self, source: list) -> bool:
        """Whether a signal goes into a file anyhow: itself, or all that a selector chooses from."""
        kinds = self._kinds
        if any(
            kinds.get(c[2]) == "blocks_wavfile_sink" for c in self.connections if c[:2] == source
        ):
            return True
        inputs = [c[:2] for c in self.connections if c[2] == source[0]]
        return kinds.get(source[0]) == "blocks_selector" and all(map(self._recorded, inputs))

    def _file(self, block: dict) -> list[dict]:
        block["parameters"]["repeat"] = "False"
        return [block]

    def _throttle(self, block: dict) -> list[dict]:
        if self.realtime:
            return [block]
        # Not by GRC's bypass: that leaves out one of two connections, depending on their order.
        (source,) = [c[:2] for c in self.connections if c[2] == block["name"]]
        for connection in self.connections:
            if connection[0] == block["name"]:
                connection[:2] = source
        return self._without(block["name"])

    def _paced(self, block: dict) -> list[dict]:
        if not self.realtime:
            block["parameters"]["pace"] = "data"
        return [block]


def _like(block: dict, name: str, kind: str, **parameters: str) -> dict:
    """A block of another kind in the place of ``block``."""
    return block | {"name": name, "id": kind, "parameters": {"comment": "", **parameters}}


def _parameter(block: dict, name: str, kind: str, value: str, label: str) -> dict:
    return _like(
        block, name, "parameter", label=label, type=kind, value=value, short_id="", hide="none"
    )


def _with_beginning(blocks: list[dict]) -> list[dict]:
    """With what comes before any block is made: errors are told in one line from there on, and the
    files that options name for reading are looked at."""
    options = {block["name"] for block in blocks if block["id"] == "parameter"}
    kinds = ("blocks_wavfile_source", "voicelink_recording")
    files = [block["parameters"]["file"] for block in blocks if block["id"] in kinds]
    read = ", ".join(f"self.{file}" for file in files if file in options)
    code = "from voicelink.grc import errors_in_one_line\nerrors_in_one_line()"
    if read:
        code += f"\nfrom voicelink.grc import check_recordings\ncheck_recordings({read})"
    parameters = {"section": "init_before_blocks", "code": code}
    states = {"coordinate": [8, 8], "rotation": 0, "state": "enabled"}
    first = {"name": "beginning", "id": "snippet", "parameters": parameters, "states": states}
    return [first, *blocks]


def _throttle(block: dict, name: str, rate: str) -> dict:
    # The smallest buffer that there is: it releases a whole one at a time.
    return _like(
        block, name, "blocks_throttle", type="float", samples_per_second=rate, vlen="1",
        ignoretag="True", maxoutbuf="1024", minoutbuf="0",
    )  # fmt: skip
