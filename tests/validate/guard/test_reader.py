"""The guarded reader: what it may import, and what it may do with what it has imported."""

from __future__ import annotations

import collections
import datetime
import functools
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.guard.names import Names, exact
from paritygate.validate.guard.reader import read_bytes
from paritygate.validate.guard.standard import NUMPY, PYTHON

ALLOWED = PYTHON | NUMPY | Names(classes=exact({__name__: "Plain Keeper"}), values=exact({__name__: "helper"}))


class Plain:
    """A class of models: may be built and given a state."""


class Keeper(list):
    """A list of models."""


def helper(*arguments: Any) -> Any:
    """A function that models refer to; a pickle must not call it."""
    raise AssertionError(f"called with {arguments}")


def code_of(content: bytes) -> str:
    with pytest.raises(ParityGateError) as caught:
        read_bytes(content, ALLOWED, "model.pkl")
    return caught.value.code


HERE = __name__.encode()
PLAIN, HELPER = b"c" + HERE + b"\nPlain\n", b"c" + HERE + b"\nhelper\n"
MADE = PLAIN + b")\x81"

NOT_FOR_THAT = {
    "call a function that is only referred to": HELPER + b")R.",
    "call it through a partial": b"cfunctools\npartial\n(" + HELPER + b"tR)R.",
    "call a class that is only built": PLAIN + b"(I1\ntR.",
    "call an instance": MADE + b")R.",
    "call a bound method that it made": b"cbuiltins\ngetattr\n(" + MADE + b"S'__init__'\ntR)R.",
    "build an object of a function": HELPER + b")\x81.",
    "build an object of an instance": MADE + b")\x81.",
    "build an object by protocol 0": b"(" + HELPER + b"I1\no.",
    "give a class a state": PLAIN + b"}S'x'\nI1\nsb.",
    "give a class slots": PLAIN + b"(N}S'__setstate__'\n" + HELPER + b"stb.",
    "give a function a state": HELPER + b"}S'x'\nI1\nsb.",
    "rebuild by copyreg what isn't a class": b"ccopyreg\n_reconstructor\n(" + HELPER + b"cbuiltins\nobject\nNtR.",
    "partial of a partial": b"cfunctools\npartial\n(cfunctools\npartial\n(" + HELPER + b"tRtR.",
    "a partial of what it made": b"cfunctools\npartial\n(" + MADE + b"tR.",
    "a partial's function by its state": b"cfunctools\npartial\n(" + HELPER + b"tR(" + MADE + b")}Ntb.",
    "an attribute of an instance": b"cbuiltins\ngetattr\n(" + MADE + b"S'__class__'\ntR.",
    "an attribute of a class": b"cbuiltins\ngetattr\n(" + PLAIN + b"S'__subclasses__'\ntR.",
    "a dunder name": b"c" + HERE + b"\n__builtins__\n.",
    "another name of that module": b"c" + HERE + b"\npickle\n.",
    "a dotted name": b"\x80\x04\x8c" + bytes([len(HERE)]) + HERE + b"\x8c\x0ePlain.__init__\x93.",
    "an unlisted class of a listed module": b"ccollections\nUserDict\n.",
}  # fmt: skip


@pytest.mark.parametrize("content", NOT_FOR_THAT.values(), ids=NOT_FOR_THAT.keys())
def test_a_listed_name_is_used_only_as_listed(content: bytes) -> None:
    assert code_of(content) == "PG501"


DAMAGED = {
    "nothing": b"",
    "no end": b"\x80\x04",
    "no pickle": b"not a pickle",
    "cut": pickle.dumps([1, 2])[:-3],
    "extension code": b"\x80\x02\x82\x01.",
    "items for a tuple": b")I1\na.",
    "items for an instance": MADE + b"I1\na.",
    "keys for a list": b"]I1\nI1\ns.",
    "additions to a list": b"\x80\x04](I1\n\x90.",
    "a name that is no text": b"\x80\x04K\x01K\x02\x93.",
    "a length beyond the file": b"\x80\x05\x96" + b"\xff" * 7 + b"\x0f.",
    "another codec": b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
    "bytes by an unknown base": b"ccopyreg\n_reconstructor\n(" + PLAIN + b"cbuiltins\nfloat\nNtR.",
    "a persistent key": b"Pkey\n.",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_pickle_is_said_to_be_damaged(content: bytes) -> None:
    assert code_of(content) == "PG402"


def test_a_method_in_the_state_is_not_called() -> None:
    """The pickle gives an object the attributes by which later opcodes are usually carried out."""
    state = b"}(S'__setstate__'\n" + HELPER + b"S'append'\n" + HELPER + b"S'extend'\n" + HELPER + b"ub"
    made = read_bytes(MADE + state + b"}S'x'\nI1\nsb.", ALLOWED, "x")
    assert vars(made)["x"] == 1
    keeper = b"c" + HERE + b"\nKeeper\n)\x81" + state
    assert list(read_bytes(keeper + b"(I1\nI2\ne.", ALLOWED, "x")) == [1, 2]


VALUES = [
    [1, 2.5, None, True, "text", b"bytes", bytearray(b"x"), 2**70, 1j, slice(1, 2), range(3)],
    {"a": (1, [2], {3}, frozenset({4}))},
    collections.OrderedDict(a=1),
    collections.defaultdict(int, a=1),
    collections.Counter("aab"),
    collections.deque([1, 2], 5),
    datetime.datetime(2024, 2, 3, tzinfo=datetime.UTC),
    Decimal("1.5"),
    np.float32(2.5),
    np.datetime64("2024-01-02"),
    int,
    np.float64,
    Ellipsis,
    np.sin,
    np.clip,
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_harmless_values_come_back(value: Any, protocol: int) -> None:
    assert read_bytes(pickle.dumps(value, protocol), ALLOWED, "x") == value


@pytest.mark.parametrize("protocol", range(6))
def test_functions_with_arguments_come_back(protocol: int) -> None:
    content = pickle.dumps(functools.partial(np.clip, a_min=0, a_max=1), protocol)
    assert read_bytes(content, ALLOWED, "x")(3) == 1


DTYPES = ["f8", ">f8", "<i2", "?", "U7", ">U7", "S3", "V5", "O", "M8[ns]", "m8[25s]", ">M8[D]", "M8", "c16", "e", "g"]
STRUCTURED = [
    [("a", "f8"), ("b", "O")],
    [("a", ">i4", (2, 3)), ("b", "U2")],
    {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 24},
    [("a", [("x", "f4"), ("y", "M8[s]")])],
]
ALIGNED = np.dtype([("a", "i1"), ("b", "f8")], align=True)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", [*map(np.dtype, [*DTYPES, *STRUCTURED]), ALIGNED], ids=str)
def test_arrays_of_every_type_come_back(dtype: np.dtype[Any], protocol: int) -> None:
    """As Python's own unpickler gives them; numpy turns the bytes of an array into the order of the machine."""
    content = pickle.dumps([np.zeros((2, 2), dtype), dtype], protocol)
    back, again = read_bytes(content, ALLOWED, "x")
    array, _ = pickle.loads(content)
    assert (back.dtype, again, back.shape) == (array.dtype, dtype, array.shape)
    assert (back.dtype.flags, again.isalignedstruct) == (array.dtype.flags, dtype.isalignedstruct)
    assert np.array_equal(back, array)


def _array(dtype: bytes, state: bytes, raw: bytes) -> bytes:
    """An array of two elements whose data type is given the state, and its bytes."""
    head = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    kind = b"cnumpy\ndtype\n(" + dtype + b"I00\nI01\ntR" + state + b"b"
    return head + b"(I1\n(I2\nt" + kind + b"I00\nC" + bytes([len(raw)]) + raw + b"tb."


ADDRESSES = b"A" * 16
FORGED = {
    "objects that deny it": _array(b"S'O8'\n", b"(I3\nS'|'\nNNNI-1\nI-1\nI0\nt", ADDRESSES),
    "numpy's own type": _array(b"S'O8'\n", b"(I3\nS'|'\nNNNI-1\nI-1\nI0\nt", ADDRESSES).replace(b"I01", b"I00"),
    "numbers of another size": _array(b"S'f8'\n", b"(I3\nS'<'\nNNNI1\nI1\nI0\nt", b"xx"),
    "a field outside": _array(
        b"S'V8'\n",
        b"(I3\nS'|'\nN(S'a'\nt}S'a'\n(cnumpy\ndtype\n(S'f8'\ntRI800\ntsI8\nI1\nI0\nt", ADDRESSES,
    ),
    "fields of objects that deny it": _array(
        b"S'V8'\n", b"(I3\nS'|'\nN(S'a'\nt}S'a'\n(cnumpy\ndtype\n(S'O8'\ntRI0\ntsI8\nI1\nI0\nt", ADDRESSES
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED.keys())
def test_bytes_are_not_taken_for_addresses(content: bytes) -> None:
    """numpy believes the flags, sizes and offsets in a pickled data type; the last array would be full of objects."""
    assert code_of(content) == "PG402"
    assert np.dtype("O").hasobject
    assert np.dtype("f8").itemsize == 8


def test_the_standard_names_resolve_to_what_they_say() -> None:
    names = PYTHON | NUMPY
    for module, name in sorted(names.classes | names.calls | names.values) + sorted(names.moved):
        read_bytes(f"c{module}\n{name}\n.".encode(), names, "x")


def test_nothing_in_the_standard_lists_reaches_further() -> None:
    reaching = {"setattr", "eval", "exec", "compile", "open", "type", "load", "save", "fromfile", "itemgetter"}
    names = PYTHON | NUMPY
    assert not {name for _, name in names.classes | names.calls | names.values} & reaching
    assert names.methods == frozenset()


def test_an_unlisted_name_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "leaves_a_mark.py").write_text(f"open({str(mark)!r}, 'w')\nthing = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert code_of(b"cleaves_a_mark\nthing\n.") == "PG501"
    assert not mark.exists()
