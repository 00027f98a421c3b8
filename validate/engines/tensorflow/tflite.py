"""TensorFlow Lite models (.tflite), run by TensorFlow's LiteRT interpreter."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature, TensorSpec
from ..base import Facts, LoadOptions
from ..names import unique
from .tensors import check_dynamic, symbolic, to_numpy
from .tflite_operators import check_operators, custom_operators

if TYPE_CHECKING:
    from ...signature import Array, Feed


class TfliteModel:
    """The model's first subgraph; ``native`` is the interpreter.

    Inputs and outputs have the names of the file's only signature; if there isn't exactly one, the tensors' own names.
    """

    def __init__(self, path: Path, interpreter: Any) -> None:
        self.path = path
        self.native = interpreter
        self.notes = tuple(_notes(interpreter))
        names = _signature_names(interpreter)
        self._inputs = _named(interpreter.get_input_details(), names)
        self._outputs = _named(interpreter.get_output_details(), names)
        self._shapes = {name: tuple(detail["shape"]) for name, detail in self._inputs.items()}
        self.signature = Signature(
            inputs=tuple(_describe(name, detail) for name, detail in self._inputs.items()),
            outputs=tuple(_describe(name, detail) for name, detail in self._outputs.items()),
        )

    @property
    def tensors(self) -> dict[str, str]:
        """The tensor names in the file, by input and output name."""
        return {name: str(detail["name"]) for name, detail in (self._inputs | self._outputs).items()}

    def run(self, feed: Feed) -> dict[str, Array]:
        """Resize the inputs to the feed's shapes if these changed, and invoke the interpreter."""
        self._resize({name: array.shape for name, array in feed.items()})
        for name, array in feed.items():
            self.native.set_tensor(self._inputs[name]["index"], _encoded(array))
        self.native.invoke()
        return {name: to_numpy(name, self.native.get_tensor(d["index"])) for name, d in self._outputs.items()}

    def _resize(self, shapes: dict[str, tuple[int, ...]]) -> None:
        if shapes == self._shapes:
            return
        for name, shape in shapes.items():
            self.native.resize_tensor_input(self._inputs[name]["index"], shape, strict=True)
        self.native.allocate_tensors()
        self._shapes = shapes

    def hints(self) -> tuple[Hint, ...]:
        """Bounds of integer inputs that index a table."""
        return tuple(_index_hints(self.native._get_ops_details(), self.native.get_tensor_details(), self._inputs))

    def facts(self) -> Facts:
        """Operators by their builtin names; no parameter count, since weights look like any other constant."""
        operators = Counter(op["op_name"] for op in self.native._get_ops_details())
        del operators["DELEGATE"]  # not in the file: added by the interpreter's accelerator
        return Facts("TensorFlow Lite", operators=dict(operators), size=self.path.stat().st_size)


def load(source: Path | str, options: LoadOptions) -> TfliteModel:
    """Open a .tflite file.

    Raises ParityGateError PG402 when it is damaged or needs operators that this build of the interpreter lacks, PG501
    for TensorFlow operators that do more than compute, PG201 for a signature that isn't the file's only one.
    """
    path = Path(source)
    if not options.trust:
        check_operators(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the interpreter's move to another package is announced
        try:
            interpreter = _interpreter(path)
        except (ValueError, RuntimeError) as error:
            raise _rejected(path, error) from error
    _check_signature(options.signature, interpreter)
    model = TfliteModel(path, interpreter)
    check_dynamic(model.signature.inputs, options.axes)
    return model


def _interpreter(path: Path) -> Any:
    """Ready to run; without its accelerator (XNNPACK) where that refuses an operator, such as int8 weights unpacked."""
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    try:
        interpreter = tf.lite.Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
    except RuntimeError as error:
        if "Delegate" not in str(error):
            raise
        plain = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    return interpreter


def _rejected(path: Path, error: Exception) -> ParityGateError:
    """The interpreter doesn't name TensorFlow's own operators, and of custom ones only the first."""
    custom = custom_operators(path)
    if "op" not in str(error) or not custom:
        return ParityGateError("PG402", str(path), f"the interpreter rejects it: {error}")
    return ParityGateError(
        "PG402", str(path), f"it has operators that TensorFlow Lite's interpreter lacks: {', '.join(custom)}",
        "Give the model that this file was made of (SavedModel, Keras); Flex stands for TensorFlow's own operators.",
    )  # fmt: skip


def _notes(interpreter: Any) -> Iterator[str]:
    """What the user should know of how the interpreter computes."""
    quantised = dynamic_range_operators(interpreter._get_ops_details(), interpreter.get_tensor_details())
    if quantised:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(Counter(quantised).items()))
        yield (
            f"dynamic-range quantisation: TensorFlow Lite rounds the activations of {listed} to int8 whenever it runs; "
            "a converted model computes them in float. Where PG101 is the only failure, its rtol and atol are the "
            "bound for --tolerance NAME:RTOL:ATOL, if you accept that"
        )


def dynamic_range_operators(operators: list[Any], tensors: list[Any]) -> list[str]:
    """The names of the operators that have float results and weights in int8 or int4.

    The interpreter rounds the activations of such an operator to int8, with a scale for each row that it computes as it
    runs (TensorFlow Lite's "hybrid" kernels; TensorFlow's guide to post-training quantization).
    """
    import numpy as np

    known = {int(tensor["index"]): tensor for tensor in tensors}

    def is_float(index: int) -> bool:
        return index in known and known[index]["dtype"] == np.float32

    def is_packed(index: int) -> bool:
        tensor = known.get(index)
        return (
            tensor is not None and tensor["dtype"] == np.int8 and len(tensor["quantization_parameters"]["scales"]) > 0
        )

    return [
        str(operator["op_name"])
        for operator in operators
        if operator["op_name"] not in _DEQUANTISES
        and any(is_float(int(index)) for index in operator["outputs"])
        and any(is_float(int(index)) for index in operator["inputs"])
        and any(is_packed(int(index)) for index in operator["inputs"])
    ]


_DEQUANTISES = {"DEQUANTIZE", "GATHER", "EMBEDDING_LOOKUP", "DELEGATE"}
"""Operators that read quantised weights and compute in float."""


def _check_signature(requested: str | None, interpreter: Any) -> None:
    known = list(interpreter.get_signature_list())
    if requested is not None and known != [requested]:
        cause = "only a file's first subgraph can be run and converted, and this signature may be a different one"
        raise ParityGateError("PG201", f"--signature {requested}", cause, f"Signatures: {', '.join(known) or 'none'}.")


def _signature_names(interpreter: Any) -> dict[int, str]:
    """Names by tensor index, from the file's only signature; empty if there are several: the main one isn't marked."""
    signatures = list(interpreter._get_full_signature_list().values())
    if len(signatures) != 1:
        return {}
    return {index: name for side in ("inputs", "outputs") for name, index in signatures[0][side].items()}


def _named(details: list[Any], names: dict[int, str]) -> dict[str, Any]:
    listed = [names.get(detail["index"], str(detail["name"])) for detail in details]
    return dict(zip(unique(listed), details, strict=True))


def _describe(name: str, detail: Any) -> TensorSpec:
    import numpy as np

    dtype = "str" if detail["dtype"] in (np.bytes_, np.object_) else np.dtype(detail["dtype"]).name
    dims = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return TensorSpec(name, dtype, symbolic(name, [None if dim == -1 else int(dim) for dim in dims]))


def _encoded(array: Array) -> Array:
    import numpy as np

    return np.char.encode(array, "utf-8") if array.dtype.kind == "U" else array


def _index_hints(operators: list[Any], tensors: list[Any], inputs: dict[str, Any]) -> Iterator[Hint]:
    """GATHER takes (table, indices), EMBEDDING_LOOKUP takes (indices, table)."""
    import numpy as np

    shapes = {tensor["index"]: tensor["shape"] for tensor in tensors}
    names = {int(detail["index"]): name for name, detail in inputs.items()}
    for operator in operators:
        if operator["op_name"] not in {"GATHER", "EMBEDDING_LOOKUP"}:
            continue
        first, second = (int(index) for index in operator["inputs"])
        table, indices = (first, second) if operator["op_name"] == "GATHER" else (second, first)
        if indices in names and len(shapes[table]):
            yield Hint(
                names[indices],
                low=np.array(0),
                high=np.array(int(shapes[table][0]) - 1),
                table=math.prod(map(int, shapes[table])),
            )
