"""ONNX models in ONNX Runtime: as a source, and as every ONNX candidate's engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import ParityGateError
from ..onnx_graphs import all_graphs, all_nodes
from ..options import ProviderOptions
from ..signature import STRING, Dim, Hint, Signature, TensorSpec
from .base import Facts, LoadOptions, More, Profile, Rewrite, nothing, unchanged
from .fixed_lengths import with_lengths
from .onnx_files import check_external_files, graph_only
from .onnx_files import external_files as external_files
from .onnx_kernels import REMEDY, missing_kernel
from .onnx_profile import profile_of
from .onnx_weights import constants_of, elements, elements_by_type
from .telemetry import silent_onnxruntime
from .zipmaps import is_zipped, table_of, table_spec, zipped_classes

if TYPE_CHECKING:
    import onnx

    from ..signature import Array, Feed

_UNSAID = ("", "None")  # tf2onnx writes the second one

PROVIDERS = ("CPUExecutionProvider",)
"""The execution providers of the gate: the CPU's, which every machine has."""

_SILENT = 4  # ONNX Runtime's severity FATAL: what goes wrong arrives as an exception

_NO_FALLBACK = "session.disable_cpu_ep_fallback"
_EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": STRING,
}


class OnnxModel:
    """An ONNX Runtime session behind :class:`.base.Model`; ``native`` is the file's path."""

    notes: tuple[str, ...] = ()
    finest = "float64"

    def __init__(
        self,
        path: Path,
        session: Any,
        more: More = nothing,
        declared_inputs: Sequence[TensorSpec] = (),
        base: Rewrite = unchanged,
    ) -> None:
        self.native = path
        self._base = base
        self._session = session
        self._more = more
        self._declared_inputs = declared_inputs
        declared = _declared(path)
        inputs = tuple(_spec(value) for value in session.get_inputs())
        zipped = [value.name for value in session.get_outputs() if is_zipped(value.type)]
        classes = zipped_classes(graph_only(path)) if zipped else {}
        batch = inputs[0].shape[0] if inputs and inputs[0].shape else "N"
        outputs = (
            table_spec(value.name, classes.get(value.name, ()), batch) if value.name in zipped else _spec(value)
            for value in session.get_outputs()
        )
        signature = Signature(
            inputs=inputs,
            outputs=tuple(replace(spec, shape=declared.get(spec.name, spec.shape)) for spec in outputs),
            classes={name: classes[name] for name in zipped if name in classes},
        )
        self.signature = with_lengths(signature, declared_inputs)

    def run(self, feed: Feed) -> dict[str, Array]:
        """Run one feed. Strings go in as objects, which is what ONNX Runtime takes, and come out as ``<U``."""
        names = [spec.name for spec in self.signature.outputs]
        values = self._session.run(names, {name: _to_engine(array) for name, array in {**feed, **self._more()}.items()})
        found = {name: _from_engine(name, value) for name, value in zip(names, values, strict=True)}
        return {spec.name: self._with_rank(spec, found[spec.name]) for spec in self.signature.outputs}

    def _with_rank(self, spec: TensorSpec, value: Array) -> Array:
        """A list that a loop without iterations collected: ONNX Runtime gives it the shape [0], whatever its rank."""
        if value.shape != (0,) or len(spec.shape or ()) < 2:
            return value
        note = f"{spec.name}: ONNX Runtime loses the rank where a loop has no iteration; the declared rank is taken"
        self.notes = self.notes if note in self.notes else (*self.notes, note)
        return value.reshape([dim if axis and isinstance(dim, int) else 0 for axis, dim in enumerate(spec.shape or ())])

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> OnnxModel:
        """The same model with its graph rewritten; see :class:`.base.Graphed`."""
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(graph_only(self.native))
        session = _session(self.native, rewrite(self._base(model)).SerializeToString(), optimise=optimise)
        return OnnxModel(self.native, session, more, self._declared_inputs, self._base)

    def rebuilt(self, rewrite: Rewrite) -> OnnxModel:
        """The model that runs a rewritten graph, and whose variants start from it. Raises PG301."""
        variant = self.variant(rewrite, optimise=True)
        variant._base = rewrite
        return variant

    def weights(self) -> dict[str, Array]:
        """Initializers and constants, those of external files and inner graphs included."""
        import onnx

        return constants_of(onnx.load(str(self.native)))

    def hints(self) -> tuple[Hint, ...]:
        """Bounds of integer inputs that index a Gather with a constant table (an embedding)."""
        return tuple(_index_hints(graph_only(self.native), self.signature))

    def facts(self) -> Facts:
        """Facts from the graph alone: weights in external files aren't read."""
        model = graph_only(self.native)
        return Facts(
            format="ONNX",
            producer=" ".join(part for part in (model.producer_name, model.producer_version) if part not in _UNSAID),
            opset=", ".join(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import),
            operators=dict(Counter(node.op_type for node in all_nodes(model))),
            parameters=sum(elements(tensor) for graph in all_graphs(model.graph) for tensor in graph.initializer),
            precision=_precision(model),
            size=sum(file.stat().st_size for file in [self.native, *external_files(self.native)]),
        )

    def profile(self) -> Profile:
        """Weights by dtype, costs, IR version and metadata, from the graph alone."""
        return profile_of(graph_only(self.native))


def load(source: Path | onnx.ModelProto, options: LoadOptions) -> OnnxModel:
    """Open an ``.onnx`` file in ONNX Runtime (graph optimisation on, as in deployment).

    Numbers among the lengths of ``options.inputs`` fix axes that the file leaves open.
    Raises ParityGateError PG201 where these don't fit, PG402 for a file that isn't ONNX or that ONNX Runtime rejects,
    PG404 for operators that it doesn't have, PG502 for external data outside of its folder.
    """
    if not isinstance(source, Path):
        raise ParityGateError("PG201", "source", "a live ONNX model must be saved to a file first", "Use onnx.save.")
    check_external_files(source, trust=options.trust)
    _check_domains(source)
    provider = options.provider if isinstance(options, ProviderOptions) else ""
    providers = _providers(provider)
    session = _session(source, str(source), optimise=True, code="PG402", providers=providers)
    model = OnnxModel(source, session, nothing, options.inputs)
    model.notes = tuple(_fallbacks(source, session, provider))
    return model


def _fallbacks(path: Path, session: Any, provider: str) -> Iterator[str]:
    """What the CPU runs although another provider was chosen. Raises PG301 where that is all, for want of the other."""
    if provider in ("", *PROVIDERS):
        return
    if provider not in session.get_providers():
        cause = f"ONNX Runtime could not start {provider} and runs the model on the CPU"
        raise ParityGateError("PG301", str(path), cause, "Install the driver and libraries that the provider needs.")
    try:
        _session(path, str(path), optimise=True, providers=(provider,), settings={_NO_FALLBACK: "1"})
    except ParityGateError:
        yield f"ONNX Runtime runs some operators, or all, on the CPU: {provider} does not take them"


def _providers(first: str) -> tuple[str, ...]:
    """``first``, and the CPU's for what it can't run. Raises PG201 for one that this ONNX Runtime wasn't built with."""
    there = silent_onnxruntime().get_available_providers()
    if first and first not in there:
        raise ParityGateError(
            "PG201", f"--provider {first}", "this ONNX Runtime does not have it", f"It has: {', '.join(there)}."
        )
    return tuple(dict.fromkeys((first, *PROVIDERS))) if first else PROVIDERS


_OWN_DOMAINS = {
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training", "com.microsoft",
    "com.microsoft.dml", "com.microsoft.experimental", "com.microsoft.nchwc", "com.ms.internal.nhwc",
    "org.pytorch.aten",
}  # fmt: skip
"""Domains of operators that ONNX Runtime itself has."""


def _check_domains(path: Path) -> None:
    """Name the operators that a library outside of ONNX Runtime would have to bring. Raises PG404."""
    model = graph_only(path)
    known = _OWN_DOMAINS | {function.domain for function in model.functions}
    nodes = [node for graph in all_graphs(model.graph) for node in graph.node]
    foreign = sorted({f"{node.domain}:{node.op_type}" for node in nodes if node.domain not in known})
    if foreign:
        cause = f"it needs a library of custom operators, which paritygate doesn't load: {', '.join(foreign[:6])}"
        raise ParityGateError("PG404", str(path), cause, "Export the model with ONNX's own operators.")


def _session(
    path: Path,
    model: str | bytes,
    *,
    optimise: bool,
    code: str = "PG301",
    providers: Sequence[str] = PROVIDERS,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """A session of a file, or of a model whose external data are next to the file ``path``. Raises ``code``."""
    onnxruntime = silent_onnxruntime()

    options = onnxruntime.SessionOptions()
    for key, value in settings.items():
        options.add_session_config_entry(key, value)
    options.log_severity_level = _SILENT
    if isinstance(model, bytes):
        options.add_session_config_entry(_EXTERNAL_FOLDER, str(path.parent.resolve()))
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(model, options, providers=list(providers))
    except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
        code = "PG404" if code == "PG402" and "NOT_IMPLEMENTED" in str(error) else code
        if kernel := missing_kernel(str(error), graph_only(path)):
            raise ParityGateError(code, str(path), kernel, REMEDY) from error
        raise ParityGateError(code, str(path), f"ONNX Runtime rejects the model: {_reason(error)}") from error


@cache
def newest_opset() -> int:
    """The newest ai.onnx opset that the installed ONNX Runtime supports officially.

    Asked of ONNX Runtime itself: it refuses a model stamped with an opset that it knows only as under development.
    """
    import onnx

    onnxruntime = silent_onnxruntime()

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = _SILENT
    for opset in range(onnx.defs.onnx_opset_version(), 8, -1):
        model = onnx.parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : {opset}]> probe (float[1] x) => (float[1] y) {{ y = Identity(x) }}'
        )
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=list(PROVIDERS))
        except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
            continue
        return opset
    raise ParityGateError("PG301", "ONNX Runtime", "the installed version loads no known opset")


def _tensors(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    constants = [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    return [*graph.initializer, *constants]


def _precision(model: onnx.ModelProto) -> str:
    """float16 where most of the weights are that it computes with; then that is what the model is meant to do."""
    import onnx

    counts = elements_by_type(model)
    half = counts[onnx.TensorProto.FLOAT16]
    return "float16" if half > counts[onnx.TensorProto.FLOAT] + counts[onnx.TensorProto.DOUBLE] else ""


def _spec(value: Any) -> TensorSpec:
    inner = value.type.removeprefix("tensor(").removesuffix(")")
    dtype = _DTYPES.get(value.type, inner)
    shape = tuple(d if isinstance(d, int) else d or f"{value.name}_{axis}" for axis, d in enumerate(value.shape))
    return TensorSpec(value.name, dtype, shape)


def _declared(path: Path) -> dict[str, tuple[Dim, ...]]:
    """Output -> the shape that the file declares: a session shows what its own inference has made of it.

    A length of 0 or less stands for an unknown one, as some exporters write it.
    """
    shapes = {}
    for value in graph_only(path).graph.output:
        if value.type.tensor_type.HasField("shape"):
            dims = enumerate(value.type.tensor_type.shape.dim)
            shapes[value.name] = tuple(
                d.dim_value if d.dim_value > 0 else d.dim_param or f"{value.name}_{axis}" for axis, d in dims
            )
    return shapes


def _to_engine(array: Array) -> Array:
    return array.astype(object) if array.dtype.kind == "U" else array


def _from_engine(name: str, value: Any) -> Array:
    import numpy as np

    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return table_of(name, value)
    if not isinstance(value, np.ndarray):
        raise ParityGateError("PG302", name, f"the output is a {type(value).__name__}, not a tensor")
    return value.astype(str) if value.dtype == object else value


def _index_hints(model: onnx.ModelProto, signature: Signature) -> list[Hint]:
    """A Gather whose indices are (through shape and type changes) a graph input bounds that input."""
    import numpy as np

    rows = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    origin = {spec.name: spec.name for spec in signature.inputs if spec.dtype.startswith("int")}
    hints: dict[str, int] = {}
    tables: dict[str, int] = {}
    for node in model.graph.node:
        if node.op_type in {"Cast", "Reshape", "Squeeze", "Unsqueeze", "Identity"} and node.input[0] in origin:
            origin[node.output[0]] = origin[node.input[0]]
        if node.op_type == "Gather" and node.input[1] in origin and node.input[0] in rows:
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            name = origin[node.input[1]]
            hints[name] = min(hints.get(name, 1 << 62), rows[node.input[0]][axis])
            tables[name] = tables.get(name, 0) + math.prod(rows[node.input[0]])
    return [Hint(name, low=np.array(0), high=np.array(limit - 1), table=tables[name]) for name, limit in hints.items()]


def _reason(error: Exception) -> str:
    """ONNX Runtime's message without the source file and function that it starts with."""
    text = str(error).strip()
    return text.split(" : ", 3)[-1] if text.startswith("[ONNXRuntimeError]") else text
