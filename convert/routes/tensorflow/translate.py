"""Run tf2onnx's translation of a frozen graph, and report what it could not translate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ....validate.errors import ParityGateError
from ..onnx.padded_pools import guard_padded_pools
from .handlers import handlers
from .tables import restore_domains

if TYPE_CHECKING:
    import onnx

    from ....validate.engines.tensorflow.freeze import FrozenGraph


@dataclass(slots=True)
class Problems:
    """What tf2onnx reports only in its log: (operator, node) without a translation, and the nodes that failed."""

    unsupported: list[tuple[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _Collector(logging.Handler):
    def __init__(self, problems: Problems) -> None:
        super().__init__(logging.ERROR)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the node's name from the two messages that contain one."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.msg.startswith("Tensorflow op [") and len(arguments) == 2:
            self._problems.unsupported.append((str(arguments[1]), str(arguments[0])))
        elif record.msg.startswith("Failed to convert node") and arguments:
            self._problems.failed.append(str(arguments[0]))


@contextmanager
def reporting_problems() -> Iterator[Problems]:
    """Collect tf2onnx's log instead of printing it, and raise PG404 or PG405 in place of its exceptions."""
    problems, logger = Problems(), logging.getLogger("tf2onnx")
    collector, propagate = _Collector(problems), logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield problems
    except ParityGateError:
        raise
    except Exception as error:  # handlers raise ValueError, KeyError, AssertionError, ...
        _raise_unsupported(problems, error)
        where = f" at {_layer(problems.failed[0])} ({problems.failed[0]})" if problems.failed else ""
        raise ParityGateError("PG405", "tf2onnx", f"{type(error).__name__}{where}: {error}") from error
    else:
        _raise_unsupported(problems, None)
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _raise_unsupported(problems: Problems, cause: Exception | None) -> None:
    if not problems.unsupported:
        return
    layers: dict[str, list[str]] = {}
    for operator, node in problems.unsupported:
        layers.setdefault(operator, []).append(_layer(node))
    listed = "; ".join(f"{op} (in {', '.join(dict.fromkeys(nodes))})" for op, nodes in sorted(layers.items()))
    raise ParityGateError(
        "PG404",
        ", ".join(sorted(layers)),
        f"tf2onnx has no translation for {listed}",
        "Remove this part from the model, and do it in your own code before or after the model.",
    ) from cause


def _layer(node: str) -> str:
    """The scope of a node; in a graph made by Keras its layer."""
    return node.rpartition("/")[0] or node


def translate(frozen: FrozenGraph, opset: int) -> onnx.ModelProto:
    """The frozen graph as ONNX; inputs and outputs still have their tensor names.

    Raises ParityGateError PG404 or PG405.
    """
    import tensorflow as tf
    from tf2onnx import tfonnx

    weights = {f"{name}:0": tensor for name, tensor in frozen.detached.items()}

    def build() -> Any:
        with tf.Graph().as_default() as graph, tf.device("/cpu:0"):
            tf.import_graph_def(frozen.graph_def, name="")
            return tfonnx.process_tf_graph(
                graph,
                opset=opset,
                input_names=[*frozen.inputs.values(), *weights],
                output_names=list(frozen.outputs.values()),
                initialized_tables=dict(frozen.tables),
                custom_op_handlers=handlers(frozen),
            )

    with reporting_problems():
        model: onnx.ModelProto = simplify(build).make_model("")
    guard_padded_pools(model.graph)
    restore_domains(model.graph)
    model.graph.initializer.extend(_weight(name, tensor) for name, tensor in weights.items())
    return model


def _weight(name: str, tensor: Any) -> onnx.TensorProto:
    """The initializer for a detached constant, which was an input during the translation."""
    import onnx
    from tf2onnx import tf_utils

    dims = [dim.size for dim in tensor.tensor_shape.dim]
    element_type = tf_utils.map_tf_dtype(tensor.dtype)
    return onnx.TensorProto(name=name, data_type=element_type, dims=dims, raw_data=tensor.tensor_content)


def simplify(build: Callable[[], Any]) -> Any:
    """Run tf2onnx's optimizers on a fresh graph, without the copies that it makes to recover from a failed optimizer.

    The copies double the time of the whole translation. If an optimizer fails, the graph is built again and optimized
    with copies, which skips that optimizer.
    """
    from tf2onnx import optimizer

    try:
        return optimizer.optimize_graph(build(), catch_errors=False)
    except ParityGateError:
        raise
    except Exception:  # noqa: BLE001  # any failure of an optimizer; failures of build() are raised again below
        return optimizer.optimize_graph(build(), catch_errors=True)
