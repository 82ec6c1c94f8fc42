"""The PMT serialiser against GNU Radio's own bytes, and against anything else."""

import subprocess

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment, gnuradio_python
from hypothesis import given
from hypothesis import strategies as st

from voicelink.blocks.pmt import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_SYMBOL_BYTES,
    Pair,
    deserialize,
    serialize,
)
from voicelink.models.errors import FormatError, ParameterError

# What we write, how GNU Radio makes the same, and the bytes that GNU Radio 3.10.5.1 gives for it.
VECTORS = [
    (None, "pmt.PMT_NIL", "06"),
    (True, "pmt.PMT_T", "00"),
    (False, "pmt.PMT_F", "01"),
    ("number", "pmt.intern('number')", "02 0006 6e756d626572"),
    ("é", "pmt.intern('é')", "02 0002 c3a9"),
    (5, "pmt.from_long(5)", "03 00000005"),
    (-5, "pmt.from_long(-5)", "03 fffffffb"),
    (2**31 - 1, "pmt.from_long(2**31 - 1)", "03 7fffffff"),
    (-(2**31), "pmt.from_long(-2**31)", "03 80000000"),
    (2**31, "pmt.from_long(2**31)", "0d 0000000080000000"),
    (-(2**40), "pmt.from_long(-2**40)", "0d ffffff0000000000"),
    (2**63 + 5, "pmt.from_uint64(2**63 + 5)", "0b 8000000000000005"),
    (1.5, "pmt.from_double(1.5)", "04 3ff8000000000000"),
    (1 + 2j, "pmt.from_complex(1, 2)", "05 3ff0000000000000 4000000000000000"),
    (
        (1, 2),
        "pmt.make_tuple(pmt.from_long(1), pmt.from_long(2))",
        "0c 00000002 0300000001 0300000002",
    ),
    ([1, 2], "pmt.to_pmt([1, 2])", "08 00000002 0300000001 0300000002"),
    ([], "pmt.make_vector(0, pmt.PMT_NIL)", "08 00000000"),
    (Pair(1, 2), "pmt.cons(pmt.from_long(1), pmt.from_long(2))", "07 0300000001 0300000002"),
    (Pair(1, Pair(True, None)), "pmt.list2(pmt.from_long(1), pmt.PMT_T)", "07 0300000001 07 00 06"),
    ({"a": 1}, "pmt.to_pmt({'a': 1})", "09 07 02 0001 61 0300000001 06"),
    (
        {"a": 1, "b": 2.0},
        "pmt.to_pmt({'a': 1, 'b': 2.0})",
        "09 07 02 0001 62 04 4000000000000000 09 07 02 0001 61 0300000001 06",
    ),
    (
        {"a": {"b": None}},
        "pmt.to_pmt({'a': {'b': None}})",
        "09 07 020001 61 09 07 020001 62 06 06 06",
    ),
    (np.array([1, 2, 3], np.uint8), "pmt.init_u8vector(3, [1, 2, 3])", "0a00 00000003 0100 010203"),
    (np.array([], np.uint8), "pmt.init_u8vector(0, [])", "0a00 00000000 0100"),
    (np.array([-1, 2], np.int8), "pmt.init_s8vector(2, [-1, 2])", "0a01 00000002 0100 ff02"),
    (np.array([1, 2], np.uint16), "pmt.init_u16vector(2, [1, 2])", "0a02 00000002 0100 00010002"),
    (np.array([-1, 2], np.int16), "pmt.init_s16vector(2, [-1, 2])", "0a03 00000002 0100 ffff0002"),
    (np.array([1], np.uint32), "pmt.init_u32vector(1, [1])", "0a04 00000001 0100 00000001"),
    (np.array([-1], np.int32), "pmt.init_s32vector(1, [-1])", "0a05 00000001 0100 ffffffff"),
    (np.array([1], np.uint64), "pmt.init_u64vector(1, [1])", "0a06 00000001 0100 0000000000000001"),
    (
        np.array([-1], np.int64),
        "pmt.init_s64vector(1, [-1])",
        "0a07 00000001 0100 ffffffffffffffff",
    ),
    (
        np.array([1, -2], np.float32),
        "pmt.init_f32vector(2, [1, -2])",
        "0a08 00000002 0100 3f800000c0000000",
    ),
    (np.array([1.0]), "pmt.init_f64vector(1, [1])", "0a09 00000001 0100 3ff0000000000000"),
    (
        np.array([1 + 2j], np.complex64),
        "pmt.init_c32vector(1, [1 + 2j])",
        "0a0a 00000001 0100 3f80000040000000",
    ),
    (
        np.array([1 + 2j], np.complex128),
        "pmt.init_c64vector(1, [1 + 2j])",
        "0a0b 00000001 0100 3ff00000000000004000000000000000",
    ),
]

# A PDU, from GNU Radio's pmt.cons(pmt.to_pmt({"number": 7}), pmt.init_u8vector(2, [1, 2])).
PDU = bytes.fromhex("07 0907 02 0006 6e756d626572 03 00000007 06 0a 00 00000002 0100 0102")


def same(a, b) -> bool:
    """Equal in type and value, arrays and NaN included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, Pair):
        return same(a.car, b.car) and same(a.cdr, b.cdr)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    return a == b or a != a


@pytest.mark.parametrize(("obj", "maker", "expected"), VECTORS, ids=[v[1] for v in VECTORS])
def test_bytes_and_objects(obj, maker, expected):
    data = bytes.fromhex(expected)
    assert serialize(obj) == data
    assert same(deserialize(data), obj)


def test_gnuradio_agrees():
    """GNU Radio, asked now, writes these bytes, and reads ours as the same objects."""
    script = (
        "import sys, pmt\n"
        "for line in sys.stdin.read().splitlines():\n"
        "    ours, maker = line.split(' ', 1)\n"
        "    obj = eval(maker)\n"
        "    equal = pmt.equal(pmt.deserialize_str(bytes.fromhex(ours)), obj)\n"
        "    print(pmt.serialize_str(obj).hex(), equal)\n"
    )
    lines = "".join(f"{serialize(obj).hex()} {maker}\n" for obj, maker, _ in VECTORS)
    done = subprocess.run(
        [gnuradio_python(), "-c", script],
        input=lines,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        env={**clean_environment(), "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    theirs = done.stdout.splitlines()
    assert theirs == [f"{serialize(obj).hex()} True" for obj, _, _ in VECTORS]


def test_nil_stands_for_an_empty_dict():
    assert serialize({}) == b"\x06"
    assert deserialize(serialize({})) is None


def test_numpy_scalars_and_bytes_are_what_they_stand_for():
    assert serialize(np.int64(5)) == serialize(5)
    assert serialize(np.bool_(True)) == serialize(True)
    assert serialize(np.float32(1.5)) == serialize(1.5)
    assert serialize(np.complex64(1j)) == serialize(1j)
    assert serialize(b"\1\2") == serialize(np.array([1, 2], np.uint8))


def test_arrays_of_other_byte_order_and_stride():
    expected = serialize(np.array([1, 3], np.uint16))
    assert serialize(np.array([1, 3], ">u2")) == expected
    assert serialize(np.array([1, 2, 3, 4], "<u2")[::2]) == expected


def test_uint64_and_padding_as_others_may_write_them():
    assert deserialize(bytes.fromhex("0b 0000000000000007")) == 7
    padded = deserialize(bytes.fromhex("0a 00 00000002 03 aabbcc 0102"))
    assert padded.tolist() == [1, 2]


def test_symbols_that_are_not_utf8_survive():
    data = bytes.fromhex("02 0002 ff41")
    assert serialize(deserialize(data)) == data


def test_of_two_entries_with_one_key_the_newest_holds():
    newest_first = bytes.fromhex("0907 020001 61 0300000002 0907 020001 61 0300000001 06")
    assert deserialize(newest_first) == {"a": 2}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=20)
)
arrays = st.builds(
    lambda raw, dtype: np.frombuffer(raw[: len(raw) // 16 * 16], dtype),
    st.binary(max_size=64),
    st.sampled_from(["B", "b", "H", "h", "I", "i", "Q", "q", "f", "d", "F", "D"]),
)
objects = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=8), inner, min_size=1, max_size=4)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)


@given(objects)
def test_any_object_returns(obj):
    assert same(deserialize(serialize(obj)), obj)


@given(objects, st.data())
def test_no_cut_object_is_read(obj, data):
    whole = serialize(obj)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(FormatError):
        deserialize(whole[:cut])


def read_or_refuse(data: bytes) -> None:
    try:
        obj = deserialize(data)
    except FormatError:
        return
    assert same(deserialize(serialize(obj)), obj)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    read_or_refuse(data)


@given(st.integers(0, len(PDU) - 1), st.binary(max_size=6))
def test_a_damaged_pdu_is_read_or_refused(at, damage):
    read_or_refuse(PDU[:at] + damage + PDU[at + len(damage) :])


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ("", "cut"),
        ("ff", "tag from 0 to 13, not 255"),
        ("06 06", "1 bytes are left over"),
        ("08 ffffffff 06", "4294967295 items"),
        ("0a 00 ffffffff 01 00 01", "cut"),
        ("0a 0c 00000001 01 00 01", "subtype"),
        ("09 06 06", "must be a pair"),
        ("09 07 02000161 06 01", "end with nil"),
        ("09 07 0a 00 00000000 0100 06 06", "key"),
        ("09 07 0c 00000001 0800000000 06 06", "key"),
    ],
)
def test_what_is_wrong_is_said(data, part):
    with pytest.raises(FormatError, match=part):
        deserialize(bytes.fromhex(data))


@pytest.mark.parametrize(
    "tag", [b"\x07", b"\x07\x06", b"\x09\x07", b"\x08\0\0\0\1", b"\x0c\0\0\0\1"]
)
def test_deep_nesting_is_refused(tag):
    with pytest.raises(FormatError):
        deserialize(tag * 10_000 + b"\x06" * 10_001)


def test_depth_has_its_limit():
    obj = None
    for _ in range(MAX_DEPTH):
        obj = [obj]
    assert deserialize(serialize(obj)) == obj
    with pytest.raises(ParameterError, match="levels"):
        serialize([obj])
    with pytest.raises(FormatError, match="levels"):
        deserialize(b"\x08\0\0\0\1" + serialize(obj))


def test_length_has_its_limit():
    with pytest.raises(FormatError, match="at most"):
        deserialize(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(
    "obj",
    [
        object(),
        {1, 2},
        2**64,
        -(2**63) - 1,
        "x" * (MAX_SYMBOL_BYTES + 1),
        "\ud800",
        np.zeros((2, 2)),
        np.array(["a"]),
        np.array([True]),
    ],
    ids=repr,
)
def test_what_cannot_be_written(obj):
    with pytest.raises(ParameterError):
        serialize(obj)
