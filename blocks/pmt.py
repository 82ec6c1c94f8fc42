"""GNU Radio's polymorphic types (PMT) to bytes and back, without GNU Radio.

The bytes are those of GNU Radio's portable serialiser (``pmt::serialize``, tags in
``pmt/pmt_serial_tags.h``): a tag byte, then big-endian fields. `blocks/TRANSPORT.md` has the
table. How the types map to Python's:

=======================  ====================================================
PMT                      Python
=======================  ====================================================
nil                      None (also what an empty dict becomes, as in GNU Radio)
bool                     bool
int32, int64, uint64     int
double, complex          float, complex
symbol                   str (UTF-8; other bytes survive as surrogate escapes)
pair                     `Pair`
dict                     dict
vector, tuple            list, tuple
uniform vector           1-D numpy array of the same item type
=======================  ====================================================

>>> serialize(Pair(None, np.array([1, 2, 3, 4], np.uint8))).hex(" ")
'07 06 0a 00 00 00 00 04 01 00 01 02 03 04'
>>> deserialize(serialize({"number": 7}))
{'number': 7}
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from voicelink.models.errors import FormatError, ParameterError

MAX_DEPTH = 64
"""How deep pairs, dicts, vectors and tuples may nest; a list made of pairs nests once an item."""

MAX_BYTES = 1 << 20
"""The longest serialised object that is read."""

MAX_SYMBOL_BYTES = 1024
"""The longest symbol that is written: GNU Radio's reader refuses longer ones."""

TRUE, FALSE, SYMBOL, INT32, DOUBLE, COMPLEX, NIL, PAIR, VECTOR, DICT = range(10)
UNIFORM_VECTOR, UINT64, TUPLE, INT64 = range(10, 14)

_ITEM_TYPES = tuple(
    np.dtype(code)
    for code in ("u1", "i1", ">u2", ">i2", ">u4", ">i4", ">u8", ">i8", ">f4", ">f8", ">c8", ">c16")
)
"""Item types of uniform vectors as they travel; the place in the tuple is the subtype byte."""

_SUBTYPES = {dtype.str[1:]: code for code, dtype in enumerate(_ITEM_TYPES)}


@dataclass(frozen=True, slots=True)
class Pair:
    """A cons cell. A PDU is ``Pair(metadata, uniform vector)``."""

    car: Any
    cdr: Any


def serialize(obj: Any) -> bytes:
    """The bytes that GNU Radio's ``pmt.serialize_str`` gives for the same object.

    An int takes the shortest of int32, int64 and uint64 that holds it. The entries of a dict are
    written last one first, as a dict grown with ``pmt.dict_add`` has them.

    Args:
        obj: any of the Python types in the module's table; numpy scalars count as the Python
            types they stand for, bytes as an array of uint8.

    Raises:
        ParameterError: for another type, an int beyond 64 bits, a symbol of more than 1024
            bytes, an array that is not 1-D, or nesting deeper than `MAX_DEPTH`.
    """
    out = bytearray()
    _write(obj, out, 0)
    return bytes(out)


def deserialize(data: bytes) -> Any:
    """The object that ``data`` holds, as one of the Python types in the module's table.

    Stricter than GNU Radio's own reader, which fills up a cut vector with zeros and ignores what
    follows the object: here both are errors.

    Raises:
        FormatError: where ``data`` is not exactly one serialised object, nests deeper than
            `MAX_DEPTH` or is longer than `MAX_BYTES`. Nothing else is raised, whatever it holds.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"a PMT may take {MAX_BYTES} bytes at most, not {len(data)}")
    (obj,), end = deserialize_some(data, 1)
    if end != len(data):
        raise FormatError(f"a PMT must fill its message; {len(data) - end} bytes are left over")
    return obj


def deserialize_some(data: bytes, count: int, start: int = 0) -> tuple[list[Any], int]:
    """``count`` objects that follow one another, and where in ``data`` they end.

    Raises:
        FormatError: where one of them is cut or malformed. Nothing else is raised.
    """
    reader = _Reader(bytes(data), start)
    objects = [reader.read(0) for _ in range(count)]
    return objects, len(data) - reader.left


def _write(obj: Any, out: bytearray, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParameterError(f"a PMT may nest {MAX_DEPTH} levels deep, not more")
    if obj is None:
        out.append(NIL)
    elif isinstance(obj, (bool, np.bool_)):
        out.append(TRUE if obj else FALSE)
    elif isinstance(obj, str):
        _write_symbol(obj, out)
    elif isinstance(obj, (int, np.integer)):
        _write_int(operator.index(obj), out)
    elif isinstance(obj, (float, np.floating)):
        out += struct.pack(">Bd", DOUBLE, obj)
    elif isinstance(obj, (complex, np.complexfloating)):
        out += struct.pack(">Bdd", COMPLEX, obj.real, obj.imag)
    elif isinstance(obj, Pair):
        out.append(PAIR)
        _write(obj.car, out, depth + 1)
        _write(obj.cdr, out, depth + 1)
    elif isinstance(obj, dict):
        for key, value in reversed(obj.items()):
            out += bytes((DICT, PAIR))
            _write(key, out, depth + 1)
            _write(value, out, depth + 1)
        out.append(NIL)
    elif isinstance(obj, (list, tuple)):
        out += struct.pack(">BI", TUPLE if isinstance(obj, tuple) else VECTOR, len(obj))
        for item in obj:
            _write(item, out, depth + 1)
    elif isinstance(obj, (bytes, bytearray)):
        _write_uniform(np.frombuffer(obj, np.uint8), out)
    elif isinstance(obj, np.ndarray):
        _write_uniform(obj, out)
    else:
        raise ParameterError(f"a PMT cannot hold a {type(obj).__name__}: {obj!r}")


def _write_symbol(text: str, out: bytearray) -> None:
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ParameterError(f"a symbol must be text that UTF-8 can write, not {text!r}") from None
    if len(encoded) > MAX_SYMBOL_BYTES:
        raise ParameterError(
            f"a symbol must take at most {MAX_SYMBOL_BYTES} bytes, not {len(encoded)}"
        )
    out += struct.pack(">BH", SYMBOL, len(encoded)) + encoded


def _write_int(value: int, out: bytearray) -> None:
    for tag, layout, bits in ((INT32, ">Bi", 31), (INT64, ">Bq", 63), (UINT64, ">BQ", 64)):
        lowest = 0 if tag == UINT64 else -(1 << bits)
        if lowest <= value < 1 << bits:
            out += struct.pack(layout, tag, value)
            return
    raise ParameterError(f"an integer must be from -2^63 to 2^64 - 1, not {value}")


def _write_uniform(array: np.ndarray, out: bytearray) -> None:
    subtype = _SUBTYPES.get(array.dtype.str[1:])
    if subtype is None or array.ndim != 1:
        raise ParameterError(
            "a uniform vector must be a 1-D array of integers, floats or complex numbers, "
            f"not {array.ndim}-D of {array.dtype}"
        )
    # One byte of padding, as GNU Radio writes; a reader must skip as many as the field says.
    out += struct.pack(">BBIBx", UNIFORM_VECTOR, subtype, len(array), 1)
    out += array.astype(_ITEM_TYPES[subtype]).tobytes()


class _Reader:
    """Reads one object after another from bytes; every read is checked against what is left."""

    def __init__(self, data: bytes, start: int):
        self._data = data
        self._at = start

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def read(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise FormatError(f"a PMT may nest {MAX_DEPTH} levels deep, not more")
        (tag,) = self._unpack(">B")
        if tag == NIL:
            return None
        if tag in (TRUE, FALSE):
            return tag == TRUE
        if tag == SYMBOL:
            (length,) = self._unpack(">H")
            return self._take(length).decode("utf-8", "surrogateescape")
        if tag == INT32:
            return self._unpack(">i")[0]
        if tag == INT64:
            return self._unpack(">q")[0]
        if tag == UINT64:
            return self._unpack(">Q")[0]
        if tag == DOUBLE:
            return self._unpack(">d")[0]
        if tag == COMPLEX:
            return complex(*self._unpack(">dd"))
        if tag == PAIR:
            return Pair(self.read(depth + 1), self.read(depth + 1))
        if tag == DICT:
            return self._read_dict(depth)
        if tag in (VECTOR, TUPLE):
            items = self._read_items(depth)
            return tuple(items) if tag == TUPLE else items
        if tag == UNIFORM_VECTOR:
            return self._read_uniform()
        raise FormatError(f"a PMT must begin with a tag from 0 to 13, not {tag}")

    def _read_dict(self, depth: int) -> dict:
        # A chain of dict nodes, each with a pair (key . value), ended by nil.
        entries = []
        tag = DICT
        while tag == DICT:
            (tag,) = self._unpack(">B")
            if tag != PAIR:
                raise FormatError(f"an entry of a PMT dict must be a pair, not tag {tag}")
            key, value = self.read(depth + 1), self.read(depth + 1)
            if not _hashable(key):
                raise FormatError(f"a key of a PMT dict must be a constant, not {type(key)}")
            entries.append((key, value))
            (tag,) = self._unpack(">B")
        if tag != NIL:
            raise FormatError(f"a PMT dict must end with nil, not tag {tag}")
        # Reversed: the newest entry travels first, and of two with one key the newest holds.
        return dict(reversed(entries))

    def _read_items(self, depth: int) -> list:
        (count,) = self._unpack(">I")
        if count > self.left:  # an item takes one byte at least
            raise FormatError(f"a PMT of {count} items cannot be in {self.left} bytes")
        return [self.read(depth + 1) for _ in range(count)]

    def _read_uniform(self) -> np.ndarray:
        subtype, count, padding = self._unpack(">BIB")
        if subtype >= len(_ITEM_TYPES):
            raise FormatError(f"a uniform vector has a subtype from 0 to 11, not {subtype}")
        self._take(padding)
        dtype = _ITEM_TYPES[subtype]
        items = np.frombuffer(self._take(count * dtype.itemsize), dtype)
        return items.astype(dtype.newbyteorder("="))

    def _unpack(self, layout: str) -> tuple:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise FormatError(f"a PMT is cut: {count} bytes are wanted and {self.left} left")
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken


def _hashable(key: Any) -> bool:
    if not isinstance(key, Hashable):
        return False
    try:  # a tuple or pair says it is hashable, and fails where something in it is not
        hash(key)
    except TypeError:
        return False
    return True
