"""scikit-learn to ONNX: skl2onnx with additional converters, and the estimator's own inputs and outputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .....validate.engines.base import Model
from .....validate.engines.onnxruntime import newest_opset
from .....validate.engines.sklearn.walk import everything, readers, unwrap
from .....validate.errors import ParityGateError
from ....targets import DEFAULT_OPSET
from ...base import Candidate, RouteOptions
from ...onnx.opset import opset_of, smallest_ir
from ...onnx.save import save_onnx
from .ports import attach_inputs, attach_outputs, output_names, ports_of

if TYPE_CHECKING:
    import onnx

OLDEST, NEWEST = 9, 22
"""Opsets that skl2onnx 1.20 writes.

A newer one is stamped on a model in 22: for the operators in use, opsets 23 to 26 changed only the accepted types.
ONNX's version converter crashes on some of these models.
"""

_UNIFORM = 13
"""Below it many operators lack a type or have different inputs, so that some estimators can't be written."""

_NEWER = "Choose a newer --opset."

_LOWER_CASE = (
    "ONNX Runtime lower-cases two letters otherwise than Python: \u0130 (U+0130), which Python makes an i and a dot, "
    "and \u03a3 (U+03A3) at the end of a word, which Python makes \u03c2. Documents with them may give other numbers: "
    "lower-case them before the model"
)

_ML_OPSETS = ((16, 3), (11, 2), (1, 1))
"""ai.onnx opset -> the ai.onnx.ml opset of the same ONNX release, up to the newest that skl2onnx writes."""


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Convert a fitted estimator; inputs and outputs keep the names that the signature gives them.

    Raises ParityGateError PG404 (estimators that have no converter), PG405 (the converter gave up), PG408 (an opset
    that can't be written).
    """
    opset = options.opset or DEFAULT_OPSET
    if not OLDEST <= opset <= newest_opset():
        raise ParityGateError(
            "PG408",
            f"opset {opset}",
            f"scikit-learn models are written in opsets {OLDEST} to {newest_opset()}",
            "Choose one of these with --opset.",
        )
    estimator = unwrap(model.native)
    ports = ports_of(estimator, model.signature.inputs)
    proto = _at_opset(selection_first(estimator), ports.types, min(opset, NEWEST))
    attach_inputs(proto, ports.specs)
    attach_outputs(proto, model.signature)
    _stamp(proto, opset)
    _save(proto, destination, opset)
    return Candidate(
        path=destination,
        route="skl2onnx",
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs={name: source for source, name in output_names(model.signature).items()},
        notes=tuple(_notes(estimator, model)),
    )


def selection_first(estimator: Any) -> Any:
    """The estimator, with a final RFE or RFECV as two steps: its choice of columns, and the estimator that it fitted.

    Before other steps they only choose columns, which is what their converter does.
    """
    from sklearn.feature_selection import RFE
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, RFE) and hasattr(estimator, "predict"):
        return Pipeline([("selection", estimator), ("estimator", estimator.estimator_)])
    if isinstance(estimator, Pipeline):
        *steps, (name, last) = estimator.steps
        return Pipeline([*steps, (name, selection_first(last))])
    return estimator


def _at_opset(estimator: Any, types: list[tuple[str, Any]], opset: int) -> onnx.ModelProto:
    """The converted model. Raises PG408 where conversion fails at this opset but not at the newest."""
    try:
        return _convert(estimator, types, opset)
    except ParityGateError as e:
        if e.code != "PG405" or opset == NEWEST:
            raise
        _convert(estimator, types, NEWEST)
        raise ParityGateError(
            "PG408", f"opset {opset}", f"{e.subject} can't be written in it ({e.cause})", _NEWER
        ) from e


def _convert(estimator: Any, types: list[tuple[str, Any]], opset: int) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    from .estimator_graph import no_converter
    from .registry import register_everything

    register_everything()
    ml_opset = next(ml for start, ml in _ML_OPSETS if opset >= start)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skl2onnx warns of opsets newer than those it was tested with
            proto: onnx.ModelProto = convert_sklearn(
                estimator,
                name=type(estimator).__name__,
                initial_types=types,
                target_opset={"": opset, "ai.onnx.ml": ml_opset},
            )
    except ParityGateError:
        raise
    except (MissingConverter, MissingShapeCalculator) as e:
        raise no_converter(_missing(estimator) or [type(estimator).__name__]) from e
    except Exception as e:  # skl2onnx passes on any exception of its converters
        if missing := _missing(estimator):
            raise no_converter(missing) from e
        raise ParityGateError("PG405", type(estimator).__name__, f"{type(e).__name__}: {e}") from e
    return proto


def _missing(estimator: Any) -> list[str]:
    """The classes of the parts without a converter, however deep they are."""
    from .registry import is_supported

    return list(dict.fromkeys(type(each).__name__ for each in everything(estimator) if not is_supported(each)))


def _stamp(proto: onnx.ModelProto, opset: int) -> None:
    """Stamp the requested opset; skl2onnx stamps the oldest that its nodes need."""
    import onnx

    if opset_of(proto) > opset:
        raise ParityGateError(
            "PG408", f"opset {opset}", f"an operator of this model needs opset {opset_of(proto)}", _NEWER
        )
    imports = [(entry.domain, entry.version) for entry in proto.opset_import if entry.domain]
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.helper.make_opsetid(*pair) for pair in [("", opset), *imports])
    proto.ir_version = smallest_ir(proto)


def _save(proto: onnx.ModelProto, destination: Path, opset: int) -> None:
    """Write and check the file; types are checked at old opsets only, where that doesn't crash on some models."""
    import onnx

    try:
        save_onnx(proto, destination)
        if opset < _UNIFORM:
            onnx.checker.check_model(str(destination), full_check=True)
    except (ParityGateError, onnx.shape_inference.InferenceError) as e:
        if opset >= _UNIFORM:
            raise
        reason = e.cause if isinstance(e, ParityGateError) else str(e)
        raise ParityGateError("PG408", f"opset {opset}", f"it lacks what this model needs: {reason}", _NEWER) from e


def _notes(estimator: Any, model: Model) -> Iterator[str]:
    """What the user should know in addition to the verdict."""
    texts = [spec.name for spec in model.signature.inputs if spec.dtype == "str"]
    if texts and not any(hasattr(reader, "build_analyzer") for reader in readers(estimator)):
        yield f"{', '.join(texts)}: text in ONNX has no missing value; use a string in place of None or NaN"
    if any(getattr(reader, "lowercase", False) for reader in readers(estimator) if hasattr(reader, "build_analyzer")):
        yield _LOWER_CASE
    for source, name in output_names(model.signature).items():
        if name != source:
            yield f"output '{source}' is renamed to '{name}' because an input has the same name"
