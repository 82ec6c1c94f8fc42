"""The recordings of a folder, for measurements over many of them."""

from __future__ import annotations

from pathlib import Path

from voicelink.blocks.audio import read_audio
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.manifest import read_manifest

ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")


def audio_files(path: str | Path) -> list[Path]:
    """The audio files of a folder, by name; or the one file that the path is.

    Raises:
        ParameterError: the folder cannot be read, or holds no audio files.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    try:
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in ENDINGS)
    except OSError as error:
        raise ParameterError(f"cannot read the folder {path}: {error.strerror}") from None
    if not files:
        raise ParameterError(f"{path} must hold audio files ({', '.join(ENDINGS)}), but has none")
    return files


def read_recordings(path: str | Path, limit: int | None = None) -> list[Recording]:
    """The audio files of a folder by name, or the one file, with the sex and the speaker that a
    manifest tells.

    Args:
        path: a folder of audio files, or one such file.
        limit: only the first so many; None for all.

    Raises:
        ParameterError: the folder cannot be read, or holds no audio files.
        FormatError: a file is not audio.
    """
    files = audio_files(path)
    manifest = read_manifest(files[0].parent)
    rows = [(file, manifest.get(file.name, {})) for file in files[:limit]]
    return [
        Recording(file.name, read_audio(file), row.get("sex") or "", row.get("speaker") or "")
        for file, row in rows
    ]
