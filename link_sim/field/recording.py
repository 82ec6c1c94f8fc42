"""SigMF recordings: their metadata read, checked and made, through the `sigmf` package.

FIELD.md, "In SigMF", has what this link adds to the specification (https://sigmf.org, version 1.2).
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from voicelink.link_sim.field.baseband import check_rate
from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.signals import Capture
from voicelink.link_sim.version import version
from voicelink.models.errors import FormatError, ParameterError

EXTENSION = {"name": "voicelink", "version": "1.0.0", "optional": True}

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")

_SETTINGS = ("mode", "spread", "offset", "model")


@dataclass(frozen=True)
class Recording:
    """What the metadata of a recording says.

    Attributes:
        data: the file of the samples.
        format, rate: of the samples.
        captures: stretches without gaps.
        settings: what this link noted: `mode`, `spread`, `offset`, `model`, as far as they are
            there.
        annotations: as they stand in the file, but for `core:sample_start`, which counts from the
            first sample in the file, as the captures do.
        trailing: bytes at the end of the file that are no samples.
    """

    data: Path
    format: SampleFormat
    rate: float
    captures: list[Capture]
    settings: dict[str, Any]
    annotations: list[dict[str, Any]]
    trailing: int = 0


def check_sigmf() -> None:
    """Raise `ParameterError` where the package is not installed: before the work."""
    if importlib.util.find_spec("sigmf") is None:
        raise ParameterError("SigMF needs sigmf: pip install '.[field]'")


def file_names(path: str | Path) -> tuple[Path, Path]:
    """The files of data and of metadata of a recording, by the name of either or without ending."""
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in (".sigmf-meta", ".sigmf-data") else path
    return Path(f"{stem}.sigmf-data"), Path(f"{stem}.sigmf-meta")


def read_recording(path: str | Path) -> Recording:
    """The metadata of a recording, checked against SigMF's schema.

    Raises:
        FormatError: a file is missing, or the metadata are none, or describe samples that cannot
            be read here.
        ParameterError: the package sigmf is missing.
    """
    check_sigmf()
    data, meta = file_names(path)
    try:
        text = meta.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot read {meta}: {error.strerror}") from None
    found = _checked(text, meta)
    try:
        top, captures = found["global"], found["captures"]
        data = _data_file(data, meta, top)
        form = SampleFormat.of(str(top["core:datatype"]))
        channels = top.get("core:num_channels", 1)
        if channels != 1:
            raise FormatError(f"core:num_channels must be 1, not {channels}")
        if "core:sample_rate" not in top:
            raise FormatError("core:sample_rate is missing")
        rate = float(check_rate(top["core:sample_rate"], "core:sample_rate"))
        settings = {k: top[f"voicelink:{k}"] for k in _SETTINGS if f"voicelink:{k}" in top}
        # What is counted starts with it: a recording may be one file of several.
        offset = int(top.get("core:offset", 0))
        trailing = int(top.get("core:trailing_bytes", 0))
        _check_size(data, captures, trailing)
        annotations = [
            entry | {"core:sample_start": _start(entry, offset)} for entry in found["annotations"]
        ]
        return Recording(
            data, form, rate, _captures(captures, offset), settings, annotations, trailing
        )
    except (FormatError, ParameterError) as error:
        raise FormatError(f"{meta}: {error}") from None


def _checked(text: bytes, meta: Path) -> dict[str, Any]:
    """The metadata as SigMF's own schema wants them."""
    import sigmf

    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        sigmf.SigMFFile(metadata=found).validate()
    # Whatever the library trips over in metadata that are none.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FormatError(f"{meta} is no SigMF metadata: {reason[:200]}") from None
    return found


def _data_file(data: Path, meta: Path, top: dict[str, Any]) -> Path:
    """The file of the samples; a name in the metadata does not lead out of their folder."""
    named = top.get("core:dataset")
    if named is not None:
        if Path(named).name != named:
            raise FormatError(f"core:dataset must name a file beside it, not {named!r:.60}")
        data = meta.with_name(named)
    if not data.is_file():
        raise FormatError(f"its file of samples, {data.name}, is not there")
    return data


def _check_size(data: Path, captures: list[dict[str, Any]], trailing: int) -> None:
    """Refuse headers and a trailer that do not fit into the file: it is not what they describe."""
    size = data.stat().st_size
    other = trailing + sum(int(entry.get("core:header_bytes", 0)) for entry in captures)
    if other > size:
        raise FormatError(
            f"core:header_bytes and core:trailing_bytes must fit into {data.name}, which has {size}"
            f" bytes, and are {other}"
        )


def _start(entry: dict[str, Any], offset: int) -> int:
    """Where a capture or an annotation begins, counted from the first sample in the file."""
    start = int(entry["core:sample_start"]) - offset
    if start < 0:
        raise FormatError(
            f"core:sample_start must not be less than core:offset, {offset}, and is"
            f" {start + offset}"
        )
    return start


def _captures(entries: list[dict[str, Any]], offset: int) -> list[Capture]:
    starts = [_start(entry, offset) for entry in entries]
    found = []
    for place, (entry, start) in enumerate(zip(entries, starts, strict=True)):
        end = starts[place + 1] if place + 1 < len(starts) else None
        found.append(
            Capture(
                start, None if end is None else end - start, parse_time(entry.get("core:datetime")),
                entry.get("core:frequency"), int(entry.get("core:header_bytes", 0)),
            )
        )  # fmt: skip
    # Samples before the first capture belong to none that is described.
    if not found or found[0].start:
        found.insert(0, Capture(0, found[0].start if found else None))
    return _not_empty(found)


def _not_empty(captures: list[Capture]) -> list[Capture]:
    """Without captures that have no samples; the headers of these lie before the next one's."""
    found, skipped = [], 0
    for capture in captures:
        if capture.count == 0:
            skipped += capture.skip
        else:
            found.append(replace(capture, skip=skipped + capture.skip))
            skipped = 0
    return found


def parse_time(text: str | None) -> datetime | None:
    """The time that SigMF's and a log's text gives; None for what is none.

    >>> parse_time("2026-01-02T03:04:05.678Z").isoformat()
    '2026-01-02T03:04:05.678000+00:00'
    """
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    try:
        # Python 3.10 takes six decimals and no fewer.
        return datetime.fromisoformat(f"{found[1]}.{(found[2] or '')[:6]:0<6}+00:00")
    except ValueError:
        return None


def described(
    form: SampleFormat,
    rate: float,
    settings: dict[str, Any],
    hardware: str = "",
    position: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The metadata of a recording without captures and annotations.

    Args:
        form, rate: of the samples.
        settings: `mode`, `spread`, `offset`, `model`: what to receive it with.
        hardware: what it was recorded with.
        position: latitude and longitude in degrees.
    """
    import sigmf

    top = {
        "core:datatype": form.name,
        "core:sample_rate": rate,
        "core:version": sigmf.__specification__,
        "core:num_channels": 1,
        "core:recorder": f"gr-voicelink {version()}",
        "core:extensions": [EXTENSION],
    }
    top |= {f"voicelink:{key}": settings[key] for key in _SETTINGS if key in settings}
    if hardware:
        top["core:hw"] = hardware
    if position is not None:
        latitude, longitude = position
        top["core:geolocation"] = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"global": top, "captures": [], "annotations": []}


def capture_entry(start: int, time: datetime | None, frequency: float | None) -> dict[str, Any]:
    """A capture segment's entry."""
    entry: dict[str, Any] = {"core:sample_start": start}
    if time is not None:
        entry["core:datetime"] = stamp(time)
    if frequency is not None:
        entry["core:frequency"] = frequency
    return entry


def stamp(time: datetime) -> str:
    """A time as SigMF and the logs write it: UTC, ISO 8601, microseconds."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
