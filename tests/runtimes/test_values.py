"""The value types by themselves: what they equal, hash, copy and refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from runtimes import ArrayBuffer, BigInt, JSDate, JSMap, JSSet, TypedArray, Undefined, undefined

VALUES = [
    undefined,
    BigInt(5),
    ArrayBuffer(b"ab"),
    TypedArray("Float16Array", b"\0\x3c"),
    JSDate(-8e15),
    JSMap([(1, "a"), (True, "b")]),
    JSSet([1, True]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_pickle_and_copy(value: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert again == value
        assert type(again) is type(value)
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_equal_values_have_equal_hashes(value: Any) -> None:
    assert hash(copy.deepcopy(value)) == hash(value)


@pytest.mark.parametrize("value", VALUES[3:], ids=lambda value: type(value).__name__)
def test_a_value_is_immutable(value: Any) -> None:
    for name in ("pairs", "members", "ms", "data", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(value, name, ())


def test_undefined_is_one_false_object() -> None:
    assert Undefined() is undefined
    assert copy.copy(undefined) is undefined
    assert pickle.loads(pickle.dumps(undefined)) is undefined
    assert not undefined
    assert undefined is not None
    assert undefined != None  # noqa: E711
    assert repr(undefined) == "undefined"


def test_a_bigint_is_an_int_that_shows_its_type() -> None:
    assert BigInt(5) == 5
    assert isinstance(BigInt(5), int)
    assert type(BigInt(5) + 1) is int
    assert repr(BigInt(5)) == "BigInt(5)"
    assert str(BigInt(5)) == f"{BigInt(5)}" == "5"


def test_an_array_buffer_is_bytes_that_show_their_type() -> None:
    assert ArrayBuffer(b"ab") == b"ab"
    assert repr(ArrayBuffer(b"ab")) == "ArrayBuffer(b'ab')"


def test_a_typed_array_counts_elements() -> None:
    halves = TypedArray("Float16Array", b"\0\x3c\0\xc0")
    assert len(halves) == 2
    assert halves.itemsize == 2
    assert halves.tolist() == [1.0, -2.0]
    assert TypedArray("Uint8ClampedArray", b"\xff").tolist() == [255]
    assert TypedArray("BigInt64Array", b"\xff" * 8).tolist() == [-1]


@pytest.mark.parametrize(("kind", "data"), [("Float8Array", b""), ("Float16Array", b"abc")])
def test_a_typed_array_that_cannot_be_is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        TypedArray(kind, data)


def test_a_map_tells_apart_what_javascript_tells_apart() -> None:
    found = JSMap([(1, "int"), (True, "bool"), ("1", "str"), (BigInt(1), "bigint"), (None, "null")])
    assert found[1] == found[1.0] == "int"
    assert found[True] == "bool"
    assert found[BigInt(1)] == "bigint"
    assert found.get(undefined, "none") == "none"
    assert undefined not in found
    with pytest.raises(KeyError):
        found[2]


def test_a_map_finds_what_python_cannot_hash() -> None:
    key = [1]
    found = JSMap([(key, "list"), (float("nan"), "nan")])
    assert found[key] == found[[1]] == "list"
    assert found[float("nan")] == "nan"
    with pytest.raises(TypeError):
        hash(found)


def test_a_map_is_read_like_a_mapping_and_iterated_like_a_map() -> None:
    found = JSMap({"a": 1, "b": 2})
    assert list(found) == found.items() == [("a", 1), ("b", 2)]
    assert found.keys() == ["a", "b"]
    assert found.values() == [1, 2]
    assert len(found) == 2
    assert dict(found.items()) == {"a": 1, "b": 2}
    assert repr(found) == "JSMap([('a', 1), ('b', 2)])"
    assert found != JSMap({"b": 2, "a": 1})
    assert found != {"a": 1, "b": 2}


def test_a_map_of_no_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="unpack"):
        JSMap([(1, 2, 3)])  # type: ignore[list-item]


def test_a_set_keeps_order_and_what_python_holds_equal() -> None:
    found = JSSet([3, True, 1, [2]])
    assert list(found) == [3, True, 1, [2]]
    assert len(found) == 4
    assert True in found
    assert [2] in found
    assert "1" not in found
    assert repr(found) == "JSSet([3, True, 1, [2]])"
    assert found != [3, True, 1, [2]]


def test_dates_are_ordered() -> None:
    assert JSDate(-8e15) < JSDate(8e15)
