"""Lookup tables in SavedModels of TensorFlow 1, as ONNX; the expected values are what TensorFlow gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import saved_model
from paritygate.validate.errors import ParityGateError

from .tensorflow_conversion import check_against, convert_to_onnx

v1, lookup, raw = tf.compat.v1, tf.lookup, tf.raw_ops

Body = Callable[[Any], Any]

WORDS = np.array(["a", "c", "b", "zz", "A", "d", ""])
NUMBERS = np.array([0, 1, 2, 3, 9, -4])


def save(body: Body, dtype: Any, path: Path) -> Path:
    """As TensorFlow 1 saved a model: a graph, its variables, its assets, and the operator that fills the tables."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(dtype, [None], name="x")
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": body(x)})
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return path


def filled(keys: list[Any], values: list[Any], key: Any, value: Any) -> Any:
    return lookup.KeyValueTensorInitializer(keys, values, key, value)


def table(keys: list[Any], values: list[Any], default: Any, key: Any = tf.string, value: Any = tf.int64) -> Any:
    return lookup.StaticHashTable(filled(keys, values, key, value), default)


def words(values: Any = (1, 2, 3), default: Any = -1, value: Any = tf.int64) -> Any:
    return table(["a", "b", "c"], list(values), default, value=value)


def numbers(values: list[Any], default: Any, key: Any, value: Any) -> Any:
    return table([1, 2, 3], values, default, key, value)


def from_asset(x: Any) -> Any:
    file, index = Path("words.txt"), lookup.TextFileIndex
    file.write_text("a\nb\nc\n")
    lines = lookup.TextFileInitializer(str(file), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
    return lookup.StaticHashTable(lines, -1).lookup(x)


def spare_buckets(count: int) -> Body:
    entries = ["a", "b", "c"], [0, 1, 2], tf.string, tf.int64
    return lambda x: lookup.StaticVocabularyTable(filled(*entries), count).lookup(x)


def raw_table(generation: str, default: Body) -> Body:
    """A table by TensorFlow's operators: the first generation (``""``) is referred to by strings."""

    def body(x: Any) -> Any:
        make, find = getattr(raw, f"HashTable{generation}"), getattr(raw, f"LookupTableFind{generation}")
        handle = make(key_dtype=tf.string, value_dtype=tf.int64)
        fill = getattr(raw, f"InitializeTable{generation}")
        filling = fill(table_handle=handle, keys=["a", "b"], values=tf.constant([5, 6], tf.int64))
        v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, filling)
        return find(table_handle=handle, keys=x, default_value=default(x))

    return body


def dense(x: Any) -> Any:
    entries = lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, empty_key=-5, deleted_key=-6)
    filling = entries.insert(tf.constant([1, 2], tf.int64), tf.constant([5, 6], tf.int64))
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, filling)
    return entries.lookup(x)


def in_branches(x: Any) -> Any:
    first, second = words(), words([7, 8, 9])
    return tf.cond(tf.size(x) > 3, lambda: first.lookup(x), lambda: second.lookup(x) + first.lookup(x))


def in_loop(x: Any) -> Any:
    found = words()
    return tf.map_fn(found.lookup, x, fn_output_signature=tf.int64)


def chained(x: Any) -> Any:
    return table([1, 2, 3], ["x", "y", "z"], "none", tf.int64, tf.string).lookup(words().lookup(x))


BY_WORD: dict[str, Body] = {
    "int64": lambda x: words().lookup(x),
    "int32": lambda x: words(value=tf.int32).lookup(x),
    "float32": lambda x: words([1.5, 2.0, 3.0], -1.0, tf.float32).lookup(x),
    "float64": lambda x: words([0.1, 0.2, 0.3], -1.0, tf.float64).lookup(x),
    "bool": lambda x: words([True, False, True], False, tf.bool).lookup(x),
    "size": lambda x: words().lookup(x) + words().size(),
    "asset": from_asset,
    "one spare bucket": spare_buckets(1),
    "chained": chained,
    "in branches": in_branches,
    "in a loop": in_loop,
    "computed default": raw_table("V2", lambda x: tf.size(x, tf.int64)),
    "first generation": raw_table("", lambda _: tf.constant(-1, tf.int64)),
}

BY_NUMBER: dict[str, tuple[Any, Body]] = {
    "int64 to text": (tf.int64, lambda x: numbers(["a", "b", "c"], "?", tf.int64, tf.string).lookup(x)),
    "int32 to int32": (tf.int32, lambda x: numbers([4, 5, 6], 7, tf.int32, tf.int32).lookup(x) * 2),
    "int64 to float64": (tf.int64, lambda x: numbers([0.1, 0.2, 0.3], 7.0, tf.int64, tf.float64).lookup(x)),
    "dense": (tf.int64, dense),
}


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


CASES = [
    *(pytest.param(tf.string, WORDS, body, id=name) for name, body in BY_WORD.items()),
    *(
        pytest.param(dtype, NUMBERS.astype(dtype.as_numpy_dtype), body, id=name)
        for name, (dtype, body) in BY_NUMBER.items()
    ),
]


@pytest.mark.parametrize(("dtype", "given", "body"), CASES)
def test_lookups_equal_tensorflows(dtype: Any, given: Any, body: Body, tmp_path: Path) -> None:
    with tf.Graph().as_default(), v1.Session() as session:  # the expected values: the graph itself, never saved
        x = v1.placeholder(dtype, [None])
        y = body(x)
        session.run(v1.tables_initializer())
        expected = {len(rows): session.run(y, {x: rows}) for rows in (given, given[:2])}
    model = saved_model.load(save(body, dtype, tmp_path / "model"), LoadOptions())

    def tensorflow(x: Any) -> dict[str, Any]:
        wanted = expected[len(x)]
        return {"y": np.array([word.decode() for word in wanted], object) if wanted.dtype.kind == "O" else wanted}

    for rows in (given, given[:2]):
        assert model.run({"x": rows})["y"].tolist() == tensorflow(rows)["y"].tolist()
    if expected[2].dtype.kind == "O":
        candidate, engine = convert_to_onnx(model, tmp_path)
        found = engine.run({next(iter(candidate.inputs)): given})
        assert next(iter(found.values())).tolist() == tensorflow(given)["y"].tolist()
    else:
        check_against(tensorflow, model, tmp_path, {"x": given}, {"x": given[:2]}, tolerance={"rtol": 0, "atol": 0})


def test_a_hash_into_several_buckets_is_refused_by_name(tmp_path: Path) -> None:
    model = saved_model.load(save(spare_buckets(3), tf.string, tmp_path / "model"), LoadOptions())
    with pytest.raises(ParityGateError, match="one of 3 buckets") as error:
        convert_to_onnx(model, tmp_path)
    assert (error.value.code, error.value.subject) == ("PG404", "StringToHashBucketFast")


def test_a_function_called_with_two_tables_is_refused(tmp_path: Path) -> None:
    """Its lookup has no single table; the entries of either would be wrong for one of the calls."""

    def twice(x: Any) -> Any:
        first, second = words(), words([7, 8, 9])

        @tf.function(input_signature=[tf.TensorSpec([], tf.resource), tf.TensorSpec([None], tf.string)])
        def find(handle: Any, keys: Any) -> Any:
            found = raw.LookupTableFindV2(table_handle=handle, keys=keys, default_value=tf.constant(-1, tf.int64))
            return tf.ensure_shape(found, [None])

        body = find.get_concrete_function()
        body.add_to_graph()
        attributes = {"then_branch": body, "else_branch": body, "Tout": [tf.int64]}
        parts = [raw.If(cond=tf.size(x) > 0, input=[each.resource_handle, x], **attributes) for each in (first, second)]
        return parts[0][0] + parts[1][0]

    model = saved_model.load(save(twice, tf.string, tmp_path / "model"), LoadOptions())
    assert model.run({"x": WORDS[:3]})["y"].tolist() == [8, 12, 10]
    with pytest.raises(ParityGateError, match="can't be read") as error:
        convert_to_onnx(model, tmp_path)
    assert error.value.code == "PG404"
