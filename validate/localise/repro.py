"""Writes the smallest part of a graph that still fails: a model of its own, with its inputs and expected output."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .locate import Located

if TYPE_CHECKING:
    from ..signature import Array
    from .instrumented import InstrumentedRun

SCRIPT = '''"""Runs model.onnx on test_data_set_0; exit status 1 if the result differs by more than rounding."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

FOLDER = Path(__file__).parent


def tensors(kind):
    files = sorted(FOLDER.glob(f"test_data_set_0/{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[1]))
    return [onnx.numpy_helper.to_array(onnx.load_tensor(str(f))) for f in files]


options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options, providers=["CPUExecutionProvider"])
names = [value.name for value in session.get_inputs()]
(got,) = session.run(None, dict(zip(names, tensors("input"), strict=True)))
(expected,) = tensors("output")
allowed = np.load(FOLDER / "allowed.npy")
with np.errstate(invalid="ignore"):
    error = np.abs(got.astype(np.float64) - expected)
bad = ~((error <= allowed) | (got == expected) | (np.isnan(got) & np.isnan(expected)))
worst = np.unravel_index(np.argmax(np.nan_to_num(error - allowed, nan=np.inf)), error.shape)
print(f"{bad.sum()} of {bad.size} elements of {session.get_outputs()[0].name} differ by more than rounding; the worst,")
print(f"at {list(map(int, worst))}: expected {expected[worst]}, got {got[worst]}, allowed {allowed[worst]}")
sys.exit(1 if bad.any() else 0)
'''

README = """A part of {candidate} whose result differs from that of {reference}.

layer     {layer}
tensor    {tensor}
operators {operators}

model.onnx         the part, {operators}
test_data_set_0/   its inputs, and output_0.pb, the reference's result
allowed.npy        how far each element may be off by rounding

Run it:  python {script}
"""


def extract_part(
    model: onnx.ModelProto, located: Located, run: InstrumentedRun
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """The failing part as a model, and the values of its inputs.

    Weights are read from the running model, since those of a file may be stored in another file. Raises what
    :meth:`.instrumented.InstrumentedRun.read` raises.
    """
    part, fed, tensor = located.failing.segment, located.failing.fed, located.match.tensor
    weights = {each.name for each in model.graph.initializer}
    taken = [name for name in part.taken if name not in fed]
    values = run.read(taken) if taken else {}
    inputs = {name: value for name, value in values.items() if name not in weights} | dict(fed)
    actual = located.failing.alone.actual
    graph = helper.make_graph(
        part.nodes,
        "part",
        [_port(name, value) for name, value in inputs.items()],
        [_port(tensor, actual)],
        [numpy_helper.from_array(_objects(value), name) for name, value in values.items() if name in weights],
    )
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return made, inputs


def _port(name: str, value: Array) -> onnx.ValueInfoProto:
    text = value.dtype.kind in "OU"
    kind = onnx.TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(name, kind, value.shape)


def _objects(value: Array) -> Array:
    return value.astype(object) if value.dtype.kind == "U" else value


def write_repro(
    folder: Path, model: onnx.ModelProto, inputs: Mapping[str, Array], located: Located, about: Mapping[str, str]
) -> None:
    """Write the folder, completely or not at all; an existing folder is replaced. ``about`` fills in the readme."""
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        data = partial / "test_data_set_0"
        data.mkdir()
        (partial / "model.onnx").write_bytes(model.SerializeToString())
        for number, (name, value) in enumerate(inputs.items()):
            _write_tensor(data / f"input_{number}.pb", name, value)
        alone = located.failing.alone
        _write_tensor(data / "output_0.pb", located.match.tensor, alone.expected.astype(alone.actual.dtype))
        np.save(partial / "allowed.npy", alone.allowed)
        (partial / "repro.py").write_text(SCRIPT)
        (partial / "README.txt").write_text(README.format(script=folder / "repro.py", **about))
        partial.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_tensor(path: Path, name: str, value: Array) -> None:
    path.write_bytes(numpy_helper.from_array(_objects(value), name).SerializeToString())


def free_folder(wanted: Path) -> Path:
    """The folder itself if it doesn't exist or holds an older repro, else its name with the first free number."""
    number = 1
    folder = wanted
    while folder.exists() and not (folder / "repro.py").is_file():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
