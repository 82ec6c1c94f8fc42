"""The recordings of a folder, for measurements over many of them."""

from __future__ import annotations

from pathlib import Path

from voicelink.blocks.audio import read_audio
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.manifest import read_manifest

ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")


def read_recordings(path: str | Path, limit: int | None = None) -> list[Recording]:
    """The audio files of a folder by name, or the one file, with the sex that a manifest tells.

    Args:
        path: a folder of audio files, or one such file.
        limit: only the first so many; None for all.

    Raises:
        ParameterError: the folder cannot be read, or holds no audio files.
        FormatError: a file is not audio.
    """
    folder = Path(path)
    if folder.is_file():
        folder, files = folder.parent, [folder]
    else:
        try:
            files = sorted(f for f in folder.iterdir() if f.suffix.lower() in ENDINGS)
        except OSError as error:
            raise ParameterError(f"cannot read the folder {folder}: {error.strerror}") from None
    if not files:
        raise ParameterError(f"{folder} must hold audio files ({', '.join(ENDINGS)}), but has none")
    manifest = read_manifest(folder)
    return [
        Recording(file.name, read_audio(file), manifest.get(file.name, {}).get("sex", ""))
        for file in files[:limit]
    ]
