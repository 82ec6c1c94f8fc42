"""Strict YAML that remembers its lines, so that an error can say where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from voicelink.models.errors import ParameterError, one_line


class Document:
    """Plain data, and where each part of it stood.

    Attributes:
        data: lists, dicts and scalars.
        source: the file's name for messages; empty for data that comes from no file.
        lines: the line of each part, by its path of keys and indices.
        folder: where the file is, from which it names others; None for data from no file.
    """

    def __init__(self, data: Any, source: str = "", lines: dict[tuple, int] | None = None):
        self.data = data
        self.source = source
        self.lines = lines or {}
        self.folder: Path | None = None

    def error(self, path: tuple, message: str) -> ParameterError:
        """An error about the part at ``path``."""
        line = f", line {self.lines[path]}" if path in self.lines else ""
        return ParameterError(f"{self.source}{line}: {message}" if self.source else message)

    @contextmanager
    def errors_at(self, path: tuple) -> Iterator[None]:
        """Put the place of ``path`` before the message of a `ParameterError` from inside."""
        try:
            yield
        except ParameterError as error:
            if self.source and not str(error).startswith(self.source):
                raise self.error(path, str(error)) from None
            raise


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, and with 1e-3 as a number (YAML 1.2; 1.1 wants 1.0e-3)."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are not used here", event.start_mark
            )
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse(text: str, source: str) -> Document:
    """The one YAML document in ``text``.

    Raises:
        ParameterError: in one line with ``source`` and the line's number: bad syntax, a key given
            twice, a value that cannot be.
    """
    document = Document(None, source)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise ParameterError(f"{source} holds nothing")
        document.data = _plain(loader, node, (), document)
    except RecursionError:
        raise ParameterError(f"{source} is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = ": ".join(one_line(part) for part in (error.context, error.problem) if part)
        raise ParameterError(f"{source}{line}: {problem}") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{source}: {one_line(error)}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return document


def read_file(path: Path) -> Document:
    """The document in a file, which knows its folder.

    Raises:
        ParameterError: in one line with the file's name: it cannot be read, or as of `parse`.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ParameterError(f"{path} is not a text file in UTF-8") from None
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a name with a zero in it
        raise ParameterError(f"{str(path)!r} cannot be read: {error}") from None
    document = parse(text, str(path))
    document.folder = path.parent
    return document


def _plain(loader: _Loader, node: yaml.Node, path: tuple, document: Document) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(loader, child, (*path, index), document)
            for index, child in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        result = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ParameterError(f"{document.source}, line {line}: a key must be a word")
            key = key_node.value
            if key in result:
                raise ParameterError(f"{document.source}, line {line}: {key!r} is there twice")
            document.lines[(*path, key)] = line
            result[key] = _plain(loader, value_node, (*path, key), document)
        return result
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError) as error:
        raise ParameterError(f"{document.source}, line {line}: {one_line(error)}") from None
