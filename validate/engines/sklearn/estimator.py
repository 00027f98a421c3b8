"""Run fitted scikit-learn estimators, and those of XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...options import InputDtype
from ...signature import Hint, Signature
from ..base import Facts, LoadOptions
from .boosters import BoosterModel, booster_model
from .catboost_categories import notes_of, with_texts
from .category_values import category_texts, is_booster, legend
from .files import Loaded, read
from .hints import hints_of, plausible_rows
from .inputs import Inputs, inputs_of, reads_codes
from .outputs import Method, classes_of, labels_of, methods_of, spec_of
from .walk import everything, final_step, readers, unwrap

if TYPE_CHECKING:
    from ...signature import Array, Feed, TensorSpec

_PROBE_ROWS = 2


@dataclass(frozen=True, slots=True)
class SklearnModel:
    """A fitted estimator. ``native`` is the user's own object, never changed."""

    signature: Signature
    native: Any
    inputs: Inputs
    methods: tuple[Method, ...]
    source: Loaded
    size: int | None
    notes: tuple[str, ...] = ()

    def run(self, feed: Feed) -> dict[str, Array]:
        """Call the estimator's own methods. Raises ParityGateError PG406 with the estimator's reason."""
        return _run(self.native, self.inputs, self.methods, feed)

    def hints(self) -> tuple[Hint, ...]:
        """Thresholds, ranges, categories and terms that the fitted parts hold."""
        return hints_of(self.native, self.signature.inputs)

    def facts(self) -> Facts:
        """What wrote the file, the steps by class, and the number of learned parameters."""
        parts = list(everything(self.native))
        return Facts(
            format=f"scikit-learn {self.source.container}",
            producer=_producer(self.native, self.source.written_by),
            operators=dict(Counter(type(part).__name__ for part in parts)),
            parameters=_learned(vars(self.native).values(), set()),
            size=self.size,
        )


def load(source: Path | Any, options: LoadOptions) -> SklearnModel | BoosterModel:
    """A model from a pickle, joblib or skops file, or from a fitted estimator. A file may hold a Booster, too.

    Raises ParityGateError PG201 (``options.dtype`` is neither float32 nor float64), PG206 (the inputs aren't tables,
    or no plausible values are known), PG402 (not readable, not fitted, or not an estimator), PG403, PG501.
    """
    if options.dtype not in ("float32", "float64"):
        raise ParityGateError("PG201", options.dtype, "scikit-learn computes in float32 or float64")
    is_path = isinstance(source, Path)
    loaded = read(source, options.trust) if is_path else Loaded(source, "object")
    size = source.stat().st_size if is_path else None
    if is_booster(loaded.value):
        return booster_model(loaded.value, options, size)
    subject = str(source) if is_path else type(source).__name__
    _check_estimator(subject, loaded.value)
    loaded = replace(loaded, value=with_texts(loaded.value, options.example))
    methods = methods_of(loaded.value)
    inputs, outputs = _describe(loaded.value, methods, options)
    signature = Signature(
        inputs.specs, outputs, labels_of(loaded.value, outputs), classes=classes_of(loaded.value, outputs)
    )
    notes = tuple(_notes(loaded, inputs, options))
    return SklearnModel(signature, loaded.value, inputs, methods, loaded, size, notes)


def _notes(loaded: Loaded, inputs: Inputs, options: LoadOptions) -> Iterator[str]:
    import sklearn

    if loaded.written_by:
        yield (
            f"written by scikit-learn {loaded.written_by} and run by {sklearn.__version__}: "
            "its results may differ between the two"
        )
    if options.dtype == "float32" and not options.inputs and any(spec.dtype == "float64" for spec in inputs.specs):
        yield f"its input is float64: {type(final_step(loaded.value)).__name__} doesn't accept float32"
    yield from notes_of(loaded.value, options.example)
    for reader in filter(reads_codes, readers(loaded.value) if len(inputs.specs) == 1 else ()):
        yield from (legend(column, texts) for column, texts in category_texts(reader).items())


def _describe(
    estimator: Any, methods: tuple[Method, ...], options: LoadOptions
) -> tuple[Inputs, tuple[TensorSpec, ...]]:
    """Inputs and outputs; inputs are float64, whatever was requested, if the estimator doesn't accept float32."""
    inputs = inputs_of(estimator, options)
    try:
        return inputs, _probe(estimator, inputs, methods, options)
    except ParityGateError:
        if options.dtype is InputDtype.FLOAT64:
            raise
        wide = inputs_of(estimator, replace(options, dtype=InputDtype.FLOAT64))
        try:
            return wide, _probe(estimator, wide, methods, options)
        except ParityGateError:
            pass
        raise


def _check_estimator(subject: str, value: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if isinstance(value, type) or not hasattr(value, "get_params"):
        holds = f" with {', '.join(map(repr, value))}" if isinstance(value, dict) else ""
        raise ParityGateError(
            "PG402",
            subject,
            f"a {type(value).__name__}{holds} is not an estimator",
            "Save the fitted estimator itself.",
        )
    if not hasattr(value, "fit"):
        return
    try:
        check_is_fitted(unwrap(value))
    except NotFittedError as e:
        raise ParityGateError("PG402", subject, "it is not fitted", "Call fit, then save it.") from e


def _run(estimator: Any, inputs: Inputs, methods: Iterable[Method], feed: Feed) -> dict[str, Array]:
    try:
        x = inputs.assemble(feed)
        return {name: array for method in methods for name, array in method(x).items()}
    except ParityGateError:
        raise
    except Exception as e:  # whatever the estimator raises for these samples
        raise ParityGateError("PG406", type(estimator).__name__, f"{type(e).__name__}: {e}") from e


def _probe(estimator: Any, inputs: Inputs, methods: tuple[Method, ...], options: LoadOptions) -> tuple[TensorSpec, ...]:
    """The outputs' shapes and dtypes, from a run on the user's first rows or on generated ones."""
    example = options.example
    if example is not None and all(spec.name in example for spec in inputs.specs):
        feed = {spec.name: example[spec.name][:_PROBE_ROWS] for spec in inputs.specs}
        return _specs(_run(estimator, inputs, methods, feed))
    feed = plausible_rows(estimator, inputs.specs, _PROBE_ROWS)
    try:
        return _specs(_run(estimator, inputs, methods, feed))
    except ParityGateError as e:
        raise ParityGateError(
            "PG206", e.subject, f"it rejects generated values, so its outputs are unknown ({e.cause})",
            "Provide real values with --samples.",
        ) from e  # fmt: skip


def _specs(outputs: dict[str, Array]) -> tuple[TensorSpec, ...]:
    return tuple(spec_of(name, array) for name, array in outputs.items())


def _producer(estimator: Any, written_by: str) -> str:
    import importlib

    import sklearn

    package = importlib.import_module(type(estimator).__module__.partition(".")[0])
    version = getattr(package, "__version__", "")
    if package is not sklearn:
        return f"{package.__name__} {version}".strip()
    reader = f", read by {version}" if written_by else ""
    return f"scikit-learn {written_by or version}{reader}"


def _learned(values: Iterable[Any], seen: set[int]) -> int:
    """How many numbers the arrays within the values hold, whatever objects contain them; each array once."""
    total = 0
    for value in values:
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            total += value.size
        elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
            total += _learned(value, seen)
        elif isinstance(value, dict):
            total += _learned(value.values(), seen)
        elif hasattr(value, "node_count") and hasattr(value, "threshold"):
            total += value.threshold.size + value.value.size
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            total += _learned(vars(value).values(), seen)
    return total
