"""Which formats there are, how to recognise them, and which runtimes can run them: plain values, nothing heavy.

A format is not an engine: it lists the runtimes that can run it, the first one is the default. A runtime names its
engine, the module that loads models into it (see :mod:`.base`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .libraries import (
    CATBOOST,
    COREMLTOOLS,
    HEAVY,
    KERAS,
    LIGHTGBM,
    ONNXRUNTIME,
    ONNXSCRIPT,
    SKLEARN,
    TENSORFLOW,
    TORCH,
    XGBOOST,
    Library,
)
from .libraries import ONNX as ONNX_LIBRARY

_ENGINES = "paritygate.validate.engines"


@dataclass(frozen=True, slots=True)
class RuntimeEntry:
    """Something that can run models: its name, its title for people, and its engine module.

    ``libraries`` must be importable, and the first one's version is the runtime's; a worker masks the rest of
    :data:`.libraries.HEAVY`, except ``may_use``. ``extra`` is the pip extra that installs what is needed. ``provider``
    is the execution provider or device that computes. ``system`` is the only operating system (as
    ``platform.system()`` names it) that has it, "" for any. ``ahead`` are modules that opening or writing a model
    imports and that change nothing: a process that serves many models imports them once. ``elsewhere`` names the
    release of another environment (:mod:`.elsewhere`) that computes, ``interpreter`` is that environment's; ""
    where the runtime is one of this environment.
    """

    name: str
    title: str
    engine: str
    libraries: tuple[Library, ...]
    extra: str = ""
    may_use: tuple[str, ...] = ()
    provider: str = "CPU"
    system: str = ""
    ahead: tuple[str, ...] = (ONNX_LIBRARY.module,)
    elsewhere: str = ""
    interpreter: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The modules that must be importable."""
        return tuple(library.module for library in self.libraries)

    @property
    def where(self) -> str:
        """The system that has it, as people call it."""
        return {"Darwin": "macOS"}.get(self.system, self.system)


@dataclass(frozen=True, slots=True)
class Format:
    """How a model file is known and read.

    ``runtimes`` can run it, the first one unless the user picks another. ``classes`` are those of its live objects
    (``module.Class``, as the class itself says). ``computes_in_width_of_input`` says that the framework takes float32
    and float64 alike, so that samples must reach it in the width that the user gave them. ``takes_single_rows`` says
    that such a model is given one sample at a time, and that a batch is a list of them. ``computes_by_rows`` says that
    what such a model gives for a row, or that it refuses the row, doesn't depend on the others.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    runtimes: tuple[RuntimeEntry, ...]
    classes: tuple[str, ...] = ()
    computes_in_width_of_input: bool = False
    takes_single_rows: bool = False
    computes_by_rows: bool = False

    @property
    def runtime(self) -> RuntimeEntry:
        """The default runtime."""
        return self.runtimes[0]


def _runtime(name: str, title: str, engine: str, *libraries: Library, may_use: tuple[str, ...] = ()) -> RuntimeEntry:
    ahead = (*_AHEAD.get(libraries[0], ()), ONNX_LIBRARY.module)
    return RuntimeEntry(name, title, f"{_ENGINES}.{engine}", libraries, libraries[0].extra, may_use, ahead=ahead)


_AHEAD = {TORCH: ("torch.export", "torch._export.serde.serialize", "torch._dynamo", ONNXSCRIPT.module)}
"""What :attr:`RuntimeEntry.ahead` holds beside onnx: torch.export's own modules take longer to import than PyTorch."""


_USER_CODE = HEAVY
"""For what may bring the user's own code, which may import anything."""

ONNX_RUNTIME = RuntimeEntry(
    "onnxruntime",
    "ONNX Runtime",
    f"{_ENGINES}.onnxruntime",
    (ONNXRUNTIME, ONNX_LIBRARY),
    provider="CPUExecutionProvider",
)
LOWERED = RuntimeEntry(
    "coreml",
    "Core ML lowered to ONNX Runtime",
    f"{_ENGINES}.coreml.lowered",
    (ONNXRUNTIME,),
    extra=COREMLTOOLS.extra,
    provider="CPUExecutionProvider",
)
APPLE = RuntimeEntry(
    "coreml-native",
    "Apple's Core ML framework",
    f"{_ENGINES}.coreml.native",
    (COREMLTOOLS, ONNXRUNTIME),
    extra=COREMLTOOLS.extra,
    provider="CPU_ONLY",
    system="Darwin",
)


ONNX = Format("onnx", "ONNX", (".onnx",), (ONNX_RUNTIME,))
COREML = Format("coreml", "Core ML", (".mlmodel", ".mlpackage"), (LOWERED, APPLE), takes_single_rows=True)
SAVED_MODEL = Format(
    "saved_model",
    "TensorFlow SavedModel",
    (),
    (_runtime("tensorflow", "TensorFlow", "tensorflow.saved_model", TENSORFLOW),),
    classes=(
        "tensorflow.python.eager.polymorphic_function.concrete_function.ConcreteFunction",
        "tensorflow.python.eager.polymorphic_function.polymorphic_function.Function",
        "tensorflow.python.trackable.autotrackable.AutoTrackable",
    ),
)
GRAPHDEF = Format(
    "graphdef",
    "TensorFlow frozen GraphDef",
    (".pb",),
    (_runtime("tensorflow", "TensorFlow", "tensorflow.graphdef", TENSORFLOW),),
)
KERAS_MODEL = Format(
    "keras",
    "Keras",
    (".keras", ".h5", ".hdf5"),
    (_runtime("keras", "Keras on TensorFlow", "tensorflow.keras", TENSORFLOW, KERAS),),
    classes=("keras.src.models.model.Model",),
)
TFLITE = Format(
    "tflite",
    "TensorFlow Lite",
    (".tflite",),
    (_runtime("tflite", "TensorFlow Lite interpreter", "tensorflow.tflite", TENSORFLOW),),
)
TORCH_EXPORT = Format(
    "torch_export",
    "torch.export program",
    (".pt2",),
    (_runtime("torch", "PyTorch", "torch.exported", TORCH, may_use=("transformers",)),),
    classes=("torch.export.exported_program.ExportedProgram",),
)
TORCHSCRIPT = Format(
    "torchscript",
    "TorchScript",
    (".jit", ".ts"),
    (_runtime("torchscript", "PyTorch, TorchScript interpreter", "torch.torchscript", TORCH),),
    classes=("torch.jit._script.ScriptModule",),
)
TORCH_MODULE = Format(
    "torch_module",
    "pickled PyTorch module",
    (".pt", ".pth"),
    (_runtime("torch", "PyTorch", "torch.module", TORCH, may_use=_USER_CODE),),
    classes=("torch.nn.modules.module.Module",),
)
TORCH_FACTORY = Format(
    "torch_factory",
    "PyTorch module:factory",
    (),
    (_runtime("torch", "PyTorch", "torch.module", TORCH, may_use=_USER_CODE),),
)
SKLEARN_ESTIMATOR = Format(
    "sklearn",
    "scikit-learn",
    (".pkl", ".pickle", ".joblib", ".skops"),
    (_runtime("sklearn", "scikit-learn", "sklearn.estimator", SKLEARN, may_use=_USER_CODE),),
    classes=(
        "sklearn.base.BaseEstimator",
        "catboost.core.CatBoost",
    ),
    computes_in_width_of_input=True,
    computes_by_rows=True,
)


def _booster(name: str, title: str, suffixes: tuple[str, ...], library: Library, *classes: str) -> Format:
    runtime = _runtime(name, title, "sklearn.booster_files", library, SKLEARN)
    return Format(name, title, suffixes, (runtime,), classes, computes_in_width_of_input=True, computes_by_rows=True)


XGBOOST_MODEL = _booster("xgboost", "XGBoost", (".ubj",), XGBOOST, "xgboost.core.Booster")
LIGHTGBM_MODEL = _booster("lightgbm", "LightGBM", (), LIGHTGBM, "lightgbm.basic.Booster")
CATBOOST_MODEL = _booster("catboost", "CatBoost", (".cbm",), CATBOOST)

FORMATS: tuple[Format, ...] = (
    ONNX,
    TORCH_EXPORT,
    TORCHSCRIPT,
    TORCH_MODULE,
    TORCH_FACTORY,
    KERAS_MODEL,
    SAVED_MODEL,
    GRAPHDEF,
    TFLITE,
    SKLEARN_ESTIMATOR,
    XGBOOST_MODEL,
    LIGHTGBM_MODEL,
    CATBOOST_MODEL,
    COREML,
)
"""All of them. Of several whose classes fit a live object, the first one is meant: a ScriptModule is also a Module."""

BOTH = "both"
"""The default runtime and the next one, whose outputs are compared."""

WITH_A_CHOICE = tuple(format for format in FORMATS if len(format.runtimes) > 1)
"""The formats that several runtimes can run."""

ENGINES = (*dict.fromkeys(runtime.name for format in WITH_A_CHOICE for runtime in format.runtimes), BOTH)
"""What ``--engine`` may name: the runtimes of formats that several can run, or :data:`BOTH`."""


def formats_of(engine: str) -> tuple[Format, ...]:
    """The formats that an entry of :data:`ENGINES` is for."""
    return tuple(format for format in WITH_A_CHOICE if engine in (BOTH, *(runtime.name for runtime in format.runtimes)))


def elsewhere_runtime(release: str, format: Format, interpreter: str) -> RuntimeEntry:
    """The runtime that runs files of a format in another environment; our own engine reads their signature."""
    own = format.runtime
    engine = f"{_ENGINES}.elsewhere.engine"
    return RuntimeEntry(release, release, engine, own.libraries, elsewhere=release, interpreter=interpreter)
