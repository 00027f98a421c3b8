"""Support vector machines: libsvm's own parameters, which Core ML's models have the names of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ....validate.coreml.proto import Message
from .builder import Builder
from .labels import as_labels, labelled, labels_of, probable
from .trees import parted
from .wires import DOUBLE, Answer, Columns, Wire, refused

if TYPE_CHECKING:
    from .wires import Floats


def support_vector_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``."""
    return Answer({"prediction": _decision(b, model, b.vector(x), model.dual_coef_, model.intercept_)})


def one_class_svm(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``, 1 above zero and else -1, and ``decision_function``."""
    scores = _decision(b, model, b.vector(x), model.dual_coef_, model.intercept_)
    return Answer({"label": parted(b, scores, 0.0, as_labels(model, np.array([-1, 1]))), "scores": scores})


def support_vector_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``, with ``predict_proba``, or with ``decision_function`` where two classes have a single one.

    The label is the winner of the votes, which need not be the most probable class: a classifier of its own finds it.
    """
    labels, vector = labels_of(model), b.vector(x)
    if model.break_ties and len(labels.values) > 2:
        raise refused(model, "with break_ties its label is not the one of most votes, which Core ML takes")
    if hasattr(model, "predict_proba"):
        spec, answer = probable(b, (vector,), labels)
        _fill_classifier(spec.supportVectorClassifier, model)
        spec.supportVectorClassifier.probA.extend(model._probA)
        spec.supportVectorClassifier.probB.extend(model._probB)
        labels.write(spec.supportVectorClassifier)
        outputs, classes = dict(answer.outputs), answer.classes
    elif len(labels.values) == 2:
        outputs, classes = {"scores": _decision(b, model, vector, model.dual_coef_, model.intercept_)}, {}
    else:
        raise refused(model, "Core ML gives no decision values of several classes; fit it with probability=True")
    spec, outputs["label"] = labelled(b, (vector,), labels)
    _fill_classifier(spec.supportVectorClassifier, model)
    labels.write(spec.supportVectorClassifier)
    return Answer(outputs, classes)


def _decision(b: Builder, model: Any, x: Wire, coefficients: Any, intercept: Floats) -> Wire:
    """The sum of coefficient * kernel over the support vectors, plus the intercept."""
    decision = b.wire("decision", DOUBLE)
    body = b.stage((x,), (decision,), predicted=decision.name).supportVectorRegressor
    _fill_kernel(body, model)
    body.coefficients.alpha.extend(_dense(coefficients)[0])
    body.rho = -float(intercept[0])
    return decision


def _fill_classifier(body: Message, model: Any) -> None:
    """libsvm's parameters: those that scikit-learn shows for two classes have the other sign."""
    _fill_kernel(body, model)
    body.numberOfSupportVectorsPerClass.extend(model._n_support.tolist())
    for row in _dense(model._dual_coef_):
        body.coefficients.add(alpha=row)
    body.rho.extend(-model._intercept_)


def _fill_kernel(body: Message, model: Any) -> None:
    """The kernel and the support vectors. Raises PG404 for a kernel that isn't one of libsvm's four."""
    if not isinstance(model.kernel, str) or model.kernel not in _KERNELS:
        raise refused(model, f"Core ML has no kernel {model.kernel!r}")
    _KERNELS[model.kernel](body.kernel, model)
    for vector in _dense(model.support_vectors_):
        body.denseSupportVectors.vectors.add(values=vector)


def _linear(kernel: Message, model: Any) -> None:
    kernel.linearKernel.SetInParent()


def _rbf(kernel: Message, model: Any) -> None:
    kernel.rbfKernel.gamma = model._gamma


def _poly(kernel: Message, model: Any) -> None:
    kernel.polyKernel.degree = model.degree
    kernel.polyKernel.gamma = model._gamma
    kernel.polyKernel.c = model.coef0


def _sigmoid(kernel: Message, model: Any) -> None:
    kernel.sigmoidKernel.gamma = model._gamma
    kernel.sigmoidKernel.c = model.coef0


_KERNELS: dict[str, Callable[[Message, Any], None]] = {
    "linear": _linear,
    "rbf": _rbf,
    "poly": _poly,
    "sigmoid": _sigmoid,
}


def _dense(matrix: Any) -> Floats:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float64)


PREDICTORS = {
    **dict.fromkeys(("SVC", "NuSVC"), support_vector_classifier),
    **dict.fromkeys(("SVR", "NuSVR"), support_vector_regressor),
    "OneClassSVM": one_class_svm,
}
