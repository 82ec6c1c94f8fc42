"""Complex samples into a file, which is there as a whole when the flowgraph has ended."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

import numpy as np
from gnuradio import gr

from voicelink.blocks.gnuradio.guard import Guarded, guarded
from voicelink.models.errors import ParameterError
from voicelink.models.files import check_folder, writing

_SAMPLE_BYTES = np.dtype(np.complex64).itemsize


class samples_sink(Guarded, gr.sync_block):
    """Writes complex64, in the machine's order of bytes.

    Ports:
        stream in: complex.

    Args:
        path: of the file. What cannot be written, as when the disk is full, is counted in
            ``errors`` and left out; the flowgraph goes on.

    Raises:
        ParameterError: its folder does not exist, or it is something else than a file.
    """

    def __init__(self, path: str | Path) -> None:
        check_folder(path)
        if Path(path).exists() and not Path(path).is_file():
            raise ParameterError(f"cannot write {path}: it is not a file")
        self._path = path
        self._open = ExitStack()
        self._file: FileIO | None = None
        gr.sync_block.__init__(self, "voicelink_samples_sink", [np.complex64], None)

    @guarded(otherwise=lambda self: True)
    def start(self) -> bool:
        """Begin another file."""
        part = self._open.enter_context(writing(self._path))
        # Without a buffer, closing has nothing left to write, and cannot fail for a full disk.
        self._file = part.open("wb", buffering=0)
        return True

    @guarded(otherwise=lambda self: True)
    def stop(self) -> bool:
        """Close the file, and put it in its place."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None
        self._open.close()
        return True

    @guarded(otherwise=lambda self, inputs, outputs: len(inputs[0]))
    def work(self, input_items, output_items) -> int:
        """GNU Radio's call: takes all samples."""
        if self._file is not None:
            self._write(input_items[0].tobytes())
        return len(input_items[0])

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            # Whole samples stay.
            end = self._file.tell() // _SAMPLE_BYTES * _SAMPLE_BYTES
            self._file.truncate(end)
            self._file.seek(end)
            raise
