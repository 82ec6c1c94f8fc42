"""A SigMF recording while it is being made: valid at every moment, also when the disk is full."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from voicelink.link_sim.field.recording import capture_entry, check_sigmf, described, file_names
from voicelink.link_sim.field.samples import SampleFormat
from voicelink.models.errors import ParameterError
from voicelink.models.files import check_folder, writing

SAVE_SECONDS = 10.0
"""How often the metadata are written, at least; seldomer where that takes long."""

_SHARE = 0.01  # of the time that writing them may take
_ROOM = 1 << 16  # bytes of samples that are given up at a time to make room for the metadata

_ENTRY = 512  # and bytes that an entry takes at most

_ANNOTATED = ("status", "sequence", "snr_db", "esn0_db", "offset_hz", "callsign")


def check_new(path: str | Path) -> tuple[Path, Path]:
    """The two files of a new recording.

    Raises:
        ParameterError: the package sigmf is missing, the recording is there already, or its folder
            is not.
    """
    check_sigmf()
    files = file_names(path)
    check_folder(files[0])
    for file in files:
        if file.exists():
            raise ParameterError(f"{file} is there already, and is not written over")
    return files


class RecordingWriter:
    """Writes samples as they come, and the metadata aside, renamed every few seconds.

    Nothing is raised for a disk that is full: what was written stays, as a valid recording, the
    loss is said once, and what comes further is dropped.

    Args:
        path: of either file, or of both without ending.
        form, rate: of the samples.
        settings: what to receive it with: `mode`, `spread`, `offset`, `model`.
        say: called with one line where writing ends before its time.
        hardware, position: see `described`.
        frequency: Hz that the middle stands for; None where that is not known.
        every: seconds between two versions of the metadata.

    Attributes:
        samples: that were given to `write`; after a loss they are not all in the file.
        failed: whether writing has ended before its time.
        data, meta: the two files.
        format: of the samples.

    Raises:
        ParameterError: as `check_new`, or the files cannot be made.
    """

    def __init__(
        self,
        path: str | Path,
        form: SampleFormat,
        rate: float,
        settings: dict[str, Any],
        say: Callable[[str], object] = lambda _: None,
        hardware: str = "",
        position: tuple[float, float] | None = None,
        frequency: float | None = None,
        every: float = SAVE_SECONDS,
    ) -> None:
        self.data, self.meta = check_new(path)
        self._found = described(form, rate, settings, hardware, position)
        self.format, self._rate, self._frequency = form, rate, frequency
        self._say, self._every = say, every
        self._captures: list[dict[str, Any]] = []
        # As text: hours have tens of thousands of them.
        self._annotations: list[tuple[int, int, str]] = []
        self.samples = 0
        self.failed = False
        # Metadata first: from here on there is no moment without.
        self._write_metadata()
        try:
            self._file = open(self.data, "xb", buffering=0)  # noqa: SIM115
        except OSError as error:
            self.meta.unlink(missing_ok=True)
            raise ParameterError(f"cannot write {self.data}: {error.strerror}") from None

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, time: datetime | None) -> None:
        """The next sample comes after a gap, or is the first: its time, UTC, if that is known."""
        self._captures.append(capture_entry(self.samples, time, self._frequency))
        # Gaps may come many times a second where a computer is too slow: not each is worth it.
        if len(self._captures) == 1 or monotonic() >= self._due:
            self._save()

    def write(self, data: bytes) -> None:
        """Whole samples."""
        self.samples += len(data) // self.format.bytes
        if self.failed:
            return
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        if monotonic() >= self._due:
            self._save()

    def annotate(self, values: dict[str, Any]) -> None:
        """Note a frame, as its line in the log says it."""
        entry = {"core:sample_start": values["sample"], "core:sample_count": values["samples"]}
        entry["core:label"] = values["callsign"] or values["status"]
        entry |= {
            f"voicelink:{name}": values[name] for name in _ANNOTATED if values[name] is not None
        }
        start, end = values["sample"], values["sample"] + values["samples"]
        self._annotations.append((start, end, json.dumps(entry)))

    def close(self) -> None:
        """Write what is left; twice is fine."""
        if self._file.closed:
            return
        if not self.failed:
            self._save()
        self._file.close()

    def _save(self) -> None:
        if self.failed:
            return
        try:
            self._write_metadata()
        except ParameterError as error:
            self._fail(str(error))

    def _write_metadata(self) -> None:
        began = monotonic()
        self._annotations.sort()
        head = json.dumps(self._found | {"captures": self._captures, "annotations": 0}, indent=1)
        entries = ",\n  ".join(text for _, _, text in self._annotations)
        head = head.removesuffix("0\n}")
        with writing(self.meta) as part:
            part.write_text(f"{head}[\n  {entries}\n ]\n}}\n")
        took = monotonic() - began
        self._due = began + max(self._every, took / _SHARE)

    def _fail(self, reason: str) -> None:
        """Leave a valid recording of what there is; samples make room for what describes them."""
        self.failed = True
        self._say(f"the recording {self.data} ends here: {reason}")
        size = os.fstat(self._file.fileno()).st_size
        # Room for what has not been written yet, and no more: a disk that is not full wants none.
        least = size - (len(self._annotations) + len(self._captures)) * _ENTRY - 2 * _ROOM
        while True:
            count = size // self.format.bytes
            try:
                os.ftruncate(self._file.fileno(), count * self.format.bytes)
                self._annotations = [entry for entry in self._annotations if entry[1] <= count]
                self._captures = [
                    entry for entry in self._captures if entry["core:sample_start"] <= count
                ]
                self._write_metadata()
                return
            except (OSError, ParameterError):
                size = count * self.format.bytes - _ROOM
            # Not even that: the metadata as they were last written stand, and are valid too.
            if size < max(least, 0):
                return
