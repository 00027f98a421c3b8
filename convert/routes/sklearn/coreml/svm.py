"""Support vector machines: Core ML's models have libsvm's parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.coreml.files.proto import Message
from ..models.arrays import dense
from .builder import Builder
from .labels import Labels, add_classifier, add_label_classifier, as_labels, labels_of
from .trees import label_by_limit
from .wires import DOUBLE, Columns, Outputs, Wire, unsupported

if TYPE_CHECKING:
    from .wires import Floats


@dataclass(frozen=True, slots=True)
class Machine:
    """A kernel by libsvm's name, and the vectors that it is computed with."""

    owner: Any
    kernel: str
    gamma: float
    degree: float
    coef0: float
    vectors: Floats


def support_vector_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``."""
    return Outputs({"prediction": _decision(b, _libsvm(model), b.vector(x), model.dual_coef_, model.intercept_)})


def kernel_ridge(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of one target: every training row is a support vector. Raises PG404 for several targets."""
    if np.ndim(model.dual_coef_) > 1:
        raise unsupported(model, "Core ML's support vector regressor has one target")
    gamma = 1.0 / model.n_features_in_ if model.gamma is None else model.gamma
    machine = Machine(model, model.kernel, gamma, model.degree, model.coef0, dense(model.X_fit_))
    return Outputs({"prediction": _decision(b, machine, b.vector(x), model.dual_coef_[None], np.zeros(1))})


def one_class_svm(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``, 1 above zero and else -1, and ``decision_function``."""
    scores = _decision(b, _libsvm(model), b.vector(x), model.dual_coef_, model.intercept_)
    return Outputs({"label": label_by_limit(b, scores, 0.0, as_labels(model, np.array([-1, 1]))), "scores": scores})


def support_vector_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``, with ``predict_proba``, or with ``decision_function`` where two classes have a single one.

    The label is the winner of the votes, which may differ from the most probable class, so that a second classifier
    computes it. Probabilities of two classes are refused: the iteration of scikit-learn's libsvm stops up to 0.003
    before the value of the sigmoid, which Core ML gives.
    """
    labels, vector = labels_of(model), b.vector(x)
    if model.break_ties and len(labels.values) > 2:
        raise unsupported(model, "with break_ties its label may not be the class with the most votes, as in Core ML")
    scores = _scores(b, model, vector, labels)
    spec, label = add_label_classifier(b, (vector,), labels)
    _fill_classifier(spec.supportVectorClassifier, model, labels)
    return Outputs({**scores.wires, "label": label}, scores.classes)


def _scores(b: Builder, model: Any, x: Wire, labels: Labels) -> Outputs:
    """``probabilities`` of several classes, or the decision value of two. Raises PG404 for the other two cases."""
    two = len(labels.values) == 2
    if not hasattr(model, "predict_proba"):
        if not two:
            raise unsupported(
                model, "Core ML gives no decision values of several classes; fit it with probability=True"
            )
        return Outputs({"scores": _decision(b, _libsvm(model), x, model.dual_coef_, model.intercept_)})
    if two:
        raise unsupported(model, "Core ML computes probabilities of two classes by a sigmoid, scikit-learn does not")
    spec, outputs = add_classifier(b, (x,), labels)
    _fill_classifier(spec.supportVectorClassifier, model, labels)
    spec.supportVectorClassifier.probA.extend(model._probA)
    spec.supportVectorClassifier.probB.extend(model._probB)
    return outputs


def _libsvm(model: Any) -> Machine:
    return Machine(model, model.kernel, model._gamma, model.degree, model.coef0, dense(model.support_vectors_))


def _decision(b: Builder, machine: Machine, x: Wire, coefficients: Any, intercept: Floats) -> Wire:
    """The sum of coefficient * kernel over the vectors, plus the intercept."""
    decision = b.wire("decision", DOUBLE)
    body = b.stage((x,), (decision,), predicted=decision.name).supportVectorRegressor
    _fill_machine(body, machine)
    body.coefficients.alpha.extend(dense(coefficients)[0])
    body.rho = -float(intercept[0])
    return decision


def _fill_classifier(body: Message, model: Any, labels: Labels) -> None:
    """libsvm's parameters: scikit-learn shows those of two classes with the opposite sign."""
    _fill_machine(body, _libsvm(model))
    body.numberOfSupportVectorsPerClass.extend(model._n_support.tolist())
    for alpha in dense(model._dual_coef_):
        body.coefficients.add(alpha=alpha)
    body.rho.extend(-model._intercept_)
    labels.write(body)


def _fill_machine(body: Message, machine: Machine) -> None:
    """The kernel and the vectors. Raises PG404 for a kernel that isn't one of libsvm's four."""
    if not isinstance(machine.kernel, str) or machine.kernel not in _KERNELS:
        raise unsupported(machine.owner, f"Core ML has no kernel {machine.kernel!r}")
    _KERNELS[machine.kernel](body.kernel, machine)
    for vector in machine.vectors:
        body.denseSupportVectors.vectors.add(values=vector)


def _linear(kernel: Message, machine: Machine) -> None:
    kernel.linearKernel.SetInParent()


def _rbf(kernel: Message, machine: Machine) -> None:
    kernel.rbfKernel.gamma = machine.gamma


def _poly(kernel: Message, machine: Machine) -> None:
    if machine.degree != int(machine.degree):
        raise unsupported(machine.owner, f"Core ML's polynomial kernels have a whole degree, not {machine.degree}")
    kernel.polyKernel.degree = int(machine.degree)
    kernel.polyKernel.gamma = machine.gamma
    kernel.polyKernel.c = machine.coef0


def _sigmoid(kernel: Message, machine: Machine) -> None:
    kernel.sigmoidKernel.gamma = machine.gamma
    kernel.sigmoidKernel.c = machine.coef0


_KERNELS: dict[str, Callable[[Message, Machine], None]] = {
    "linear": _linear,
    "rbf": _rbf,
    "poly": _poly,
    "sigmoid": _sigmoid,
}


PREDICTORS = {
    **dict.fromkeys(("SVC", "NuSVC"), support_vector_classifier),
    **dict.fromkeys(("SVR", "NuSVR"), support_vector_regressor),
    "KernelRidge": kernel_ridge,
    "OneClassSVM": one_class_svm,
}
