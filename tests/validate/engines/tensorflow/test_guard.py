"""Which TensorFlow operators may run: the lists against TensorFlow's registry, and models that must not be refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.framework import node_def_pb2, op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from fixtures.hostile import graphs_saved_model
from fixtures.hostile.graphs_tensorflow import FILES, OPERATORS
from paritygate.validate.engines.tensorflow import graphdef, saved_model
from paritygate.validate.engines.tensorflow.operators import STATEFUL, TOUCHING, effect_of
from paritygate.validate.engines.tensorflow.tflite_operators import check_operators
from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import LoadOptions

FILE_WORDS = re.compile(r"file|path|url|address|host|pattern|prefix|library|token|region|descriptor|shard_dir")
HARMLESS = re.compile(
    r"CTCBeamSearchDecoder|RegexFullMatch|RegexReplace|StaticRegex.*|TPUReplicateMetadata|XlaSparseDense.*"
    r"|InitializeTableFromTextFile|DecodeProtoV2|EncodeProto|_Fused.*|_QuantizedMatMul|_MklNativeFusedConv2D|ShardedFile.*"
)
"""Stateless operators whose arguments sound like files but aren't, or that are judged by their attributes."""


def registered() -> list[Any]:
    operators = op_def_pb2.OpList()
    operators.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return list(operators.op)


def test_every_allowed_operator_is_a_stateful_one_of_tensorflow():
    stateful = {op.name for op in registered() if op.is_stateful}
    assert stateful >= STATEFUL
    assert {op.name for op in registered() if not op.is_stateful} >= TOUCHING.keys() - {"CustomAggregator"}


def test_every_stateless_operator_that_names_files_has_been_judged():
    for op in registered():
        words = [argument.name for argument in (*op.input_arg, *op.attr)]
        if not op.is_stateful and any(map(FILE_WORDS.search, words)) and not HARMLESS.fullmatch(op.name):
            assert op.name in TOUCHING, (op.name, words)


def test_an_unknown_stateful_operator_is_refused():
    refused = [op.name for op in registered() if op.is_stateful and op.name not in STATEFUL and op.name != "PrintV2"]
    assert all(effect_of(node_def_pb2.NodeDef(op=name)) for name in refused)
    assert {"WriteFile", "SaveV2", "EagerPyFunc", "XlaCallModule", "RpcCall", "TFRecordDataset"} <= set(refused)


@pytest.mark.parametrize("stream", [b"stdout", b"stderr", b"log(info)"])
def test_printing_to_the_console_is_allowed(stream: bytes):
    node = node_def_pb2.NodeDef(op="PrintV2")
    node.attr["output_stream"].s = stream
    assert effect_of(node) is None
    node.attr["output_stream"].s = b"file:///tmp/a"
    assert effect_of(node)


def test_with_trust_the_operator_runs(tmp_path: Path):
    """The mark of the hostile files works: without the refusal it would be left."""
    FILES["graph_WriteFile.pb"](tmp_path / "m.pb", tmp_path / "MARK")
    model = graphdef.load(tmp_path / "m.pb", LoadOptions(trust=True))
    model.run({"x": tf.zeros([2, 4]).numpy()})
    assert (tmp_path / "MARK").exists()


def version_1(path: Path) -> None:
    """Variables, a table that is filled from an asset, and a main operator, as TensorFlow 1 saved them."""
    words = path.with_name("words.txt")
    words.write_text("a\nb\n")
    v1, index = tf.compat.v1, tf.lookup.TextFileIndex
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.string, [None], name="x")
        scale = v1.get_variable("w", [1], use_resource=False)
        lines = tf.lookup.TextFileInitializer(str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
        y = tf.cast(tf.lookup.StaticHashTable(lines, -1).lookup(x), tf.float32) * scale
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": v1.saved_model.signature_def_utils.predict_signature_def({"x": x}, {"y": y})},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    words.unlink()


def stateful(path: Path) -> None:
    """Random numbers, a counter, a loop with an array of tensors, an assertion and a line on the console."""

    class Counts(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = tf.Variable(0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            self.calls.assign_add(1)
            tf.print("called", self.calls)
            tf.debugging.assert_greater(tf.size(x), 0)
            parts = tf.TensorArray(tf.float32, 2)
            for i in tf.range(2):
                parts = parts.write(i, tf.reduce_sum(x) + 0 * tf.random.uniform([]))
            return {"y": parts.stack()}

    module = Counts()
    tf.saved_model.save(module, str(path), signatures=module.serve)


def keras_words(path: Path) -> None:
    """Keras' lookup of words, which keeps its vocabulary in a table."""
    import keras

    x = keras.Input((1,), dtype="string", name="x")
    keras.Model(x, keras.layers.StringLookup(vocabulary=["a", "b"])(x)).export(path, verbose=False)


@pytest.mark.parametrize("write", [version_1, stateful, keras_words, graphs_saved_model.sound])
def test_models_with_state_tables_and_assets_are_read(write: Callable[[Path], None], tmp_path: Path):
    write(tmp_path / "model")
    assert saved_model.load(tmp_path / "model", LoadOptions()).signature.inputs


def lite(path: Path) -> bytes:
    """A TensorFlow Lite model with one operator of TensorFlow's own."""
    function = tf.function(lambda x: tf.math.cumprod(x), input_signature=[tf.TensorSpec([2, 4], tf.float32, name="x")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path.write_bytes(converter.convert())
    return path.read_bytes()


def test_tensorflow_operators_of_a_lite_model_are_judged_by_their_definition(tmp_path: Path):
    content = lite(tmp_path / "m.tflite")
    check_operators(tmp_path / "m.tflite")
    assert content.count(b"\x12\x07Cumprod") == 1
    (tmp_path / "m.tflite").write_bytes(content.replace(b"\x12\x07Cumprod", b"\x12\x07EncodeX", 1))
    check_operators(tmp_path / "m.tflite")  # not registered: it can't run
    (tmp_path / "m.tflite").write_bytes(content.replace(b"\x12\x07Cumprod", b"\x12\x06PyFunc@", 1))
    with pytest.raises(ParityGateError) as caught:
        check_operators(tmp_path / "m.tflite")
    assert caught.value.code in {"PG402", "PG501"}
    (tmp_path / "m.tflite").write_bytes(content.replace(b"\x12\x07Cumprod", b"\x12\x07RpcCall", 1))
    with pytest.raises(ParityGateError, match="RpcCall") as caught:
        check_operators(tmp_path / "m.tflite")
    assert caught.value.code == "PG501"


def test_there_is_an_operator_of_each_kind():
    assert len(OPERATORS) >= 20
