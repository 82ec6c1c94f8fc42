"""The block descriptions and flowgraphs of the package, as files."""

from __future__ import annotations

from pathlib import Path

from voicelink.models.errors import FormatError, ParameterError, one_of

FOLDER = Path(__file__).resolve().parent
"""Where they are: what GRC must have in its search path."""


def block_files() -> list[Path]:
    """The block descriptions, sorted."""
    return sorted(FOLDER.glob("voicelink_*.block.yml"))


def flowgraphs() -> list[Path]:
    """The flowgraphs, sorted."""
    return sorted(FOLDER.glob("*.grc"))


def flowgraph(name: str) -> Path:
    """The flowgraph file that ``name`` means: a path, or one of the package by its name.

    Raises:
        ParameterError: there is none.

    >>> flowgraph("loopback").name
    'loopback.grc'
    """
    path = Path(name)
    if path.suffix == ".grc" and path.is_file():
        return path.resolve()
    names = {file.stem: file for file in flowgraphs()}
    plain = path.name == name and path.suffix in ("", ".grc")
    if plain and path.stem in names:
        return names[path.stem]
    if path.is_dir():
        raise ParameterError(f"{name} is a folder, not a flowgraph")
    if plain:
        one_of("a flowgraph", path.stem, names)
    raise ParameterError(f"{name}: {'not a .grc file' if path.exists() else 'No such file'}")


def sample() -> str:
    """The path of the recording that comes with the package, for the flowgraphs: 8 kHz, mono.

    >>> sample().endswith("sample.flac")
    True
    """
    from importlib import resources

    return str(resources.files("voicelink.link_sim") / "sample" / "sample.flac")


def check_recordings(*paths: str) -> None:
    """Look whether files that are to be read are recordings.

    The headless forms call it, before they make files of their own.

    Raises:
        FormatError: one of them is none.
    """
    import soundfile

    for path in paths:
        try:
            with open(path, "rb") as file:
                soundfile.info(file)
        except OSError as error:
            raise FormatError(
                f"cannot read {path}: {error.strerror} (--help has the option for another)"
            ) from None
        except RuntimeError:
            raise FormatError(f"{path} is no recording that can be read") from None
