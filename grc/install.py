"""The block descriptions in the user's block folder, where every companion finds them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from voicelink.grc.files import FOLDER, block_files
from voicelink.grc.library import config
from voicelink.models.errors import VoiceLinkError


def user_folder() -> Path:
    """The folder of the user's own blocks that this version of GRC searches.

    Its place has changed over GRC's versions, so GRC is asked.
    """
    return Path(config().hier_block_lib_dir.split(os.pathsep)[0]).expanduser()


def installed() -> bool:
    """Whether the user's folder has all block descriptions, and these ones."""
    folder = user_folder()
    return all((folder / file.name).resolve() == file for file in block_files())


def install() -> list[str]:
    """Put links to the block descriptions into the user's folder; what was done, in lines.

    Copies where links cannot be made. Descriptions that an earlier version left are removed.

    Raises:
        VoiceLinkError: the folder cannot be written to, or holds what is not of this package under
            one of the names.
    """
    folder = user_folder()
    wanted = _wanted(folder)
    done = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in _present(folder):
            if path not in wanted:
                path.unlink()
                done.append(f"removed {path}, of another version")
        for path, file in wanted.items():
            if path.resolve() == file:
                continue
            path.unlink(missing_ok=True)
            try:
                path.symlink_to(file)
            except OSError:
                shutil.copyfile(file, path)
            done.append(f"{path} -> {file}")
    except OSError as error:
        raise _unwritable(folder, error) from None
    return done


def uninstall() -> list[str]:
    """Remove the block descriptions from the user's folder; what was done, in lines.

    Raises:
        VoiceLinkError: as `install`.
    """
    folder = user_folder()
    _wanted(folder)
    done = []
    try:
        for path in _present(folder):
            path.unlink()
            done.append(f"removed {path}")
    except OSError as error:
        raise _unwritable(folder, error) from None
    return done


def _wanted(folder: Path) -> dict[Path, Path]:
    """Where each description goes, if nothing of another's is there."""
    wanted = {folder / file.name: file for file in block_files()}
    for path in wanted:
        if os.path.lexists(path) and not _ours(path):
            raise VoiceLinkError(f"{path} is not of this package: rename or remove it first")
    return wanted


def _present(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("voicelink_*.block.yml")) if _ours(path)]


def _ours(path: Path) -> bool:
    """Whether it is a link to a description of this package, or a copy of one.

    Of another version too: the link may lead to what is no longer there.
    """
    if path.is_symlink():
        target = Path(os.readlink(path))
        return (target.parent.name, target.name) == (FOLDER.name, path.name)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    name = re.escape(path.name.removesuffix(".block.yml"))
    # GRC writes into a user's block which flowgraph made it.
    return (
        re.search(rf"^id: {name}$", text, re.MULTILINE) is not None
        and "\ncategory: '[Voice Link]" in text
        and "\ngrc_source:" not in text
    )


def _unwritable(folder: Path, error: OSError) -> VoiceLinkError:
    return VoiceLinkError(f"cannot write to {folder}: {error.strerror or error}")
