"""The recordings of a folder, for measurements over many of them."""

from __future__ import annotations

from pathlib import Path

from voicelink.blocks.audio import read_audio
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.manifest import NAME, read_manifest, read_table
from voicelink.models.evaluation.words import DISCOUNT, Transcript
from voicelink.models.evaluation.words import transcripts as transcripts_of

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


def inputs_of(path: str | Path, transcripts: str | Path | None = None) -> list[Path]:
    """The files that a measurement over a folder of recordings, or over one, reads."""
    files = audio_files(path)
    given = [] if transcripts is None else [Path(transcripts)]
    return [*files, files[0].parent / NAME, *given]


def read_transcripts(
    path: str | Path,
    transcripts: str | Path | None = None,
    limit: int | None = None,
    discount: float = DISCOUNT,
) -> dict[str, Transcript]:
    """What is said in the recordings of a folder, or in the one file, by name, where it is known.

    Args:
        path: a folder of audio files, or one such file; the column ``text`` of its manifest is
            taken.
        transcripts: a file like the manifest, with the columns ``file`` and ``text``; its texts go
            before those of the manifest.
        limit: only of the first so many recordings; the recogniser expects what is said in any
            that the two files name.
        discount: how unsurely it expects them, see `DISCOUNT`.

    Raises:
        ParameterError: the folder holds no audio files, or the transcripts are not of them.
        FormatError: manifest or transcripts are not such a file.
    """
    files = audio_files(path)
    names = [file.name for file in files]
    texts = _texts(read_manifest(files[0].parent))
    if transcripts is not None:
        rows = read_table(Path(transcripts))
        if not any("text" in row for row in rows.values()):
            raise FormatError(f"--transcripts: {transcripts} must have the columns file and text")
        given = _texts(rows)
        if not transcripts_of(given).keys() & set(names):
            some = ", ".join([*rows][:3]) + " ..." * (len(rows) > 3)
            raise ParameterError(
                f"--transcripts: {transcripts} must say what is said in a recording of {path} at"
                f" least, as {names[0]}, but is of {some}"
            )
        texts |= given
    found = transcripts_of(texts, discount)
    return {name: found[name] for name in names[:limit] if name in found}


def _texts(rows: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: row["text"] for name, row in rows.items() if row.get("text")}


def read_recordings(
    path: str | Path, limit: int | None = None, transcripts: dict[str, Transcript] | None = None
) -> list[Recording]:
    """The audio files of a folder by name, or the one file, with the sex and the speaker that a
    manifest tells.

    Args:
        path: a folder of audio files, or one such file.
        limit: only the first so many; None for all.
        transcripts: of them, by name, as `read_transcripts` gives them.

    Raises:
        ParameterError: the folder cannot be read, or holds no audio files.
        FormatError: a file is not audio.
    """
    files = audio_files(path)
    manifest = read_manifest(files[0].parent)
    rows = [(file, manifest.get(file.name, {})) for file in files[:limit]]
    return [
        Recording(
            file.name,
            read_audio(file),
            row.get("sex") or "",
            row.get("speaker") or "",
            transcript=(transcripts or {}).get(file.name),
        )
        for file, row in rows
    ]
