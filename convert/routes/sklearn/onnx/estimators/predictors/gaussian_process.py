"""Gaussian processes: kernels in double, since their weights are large and cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, classifier, forward, labels, regressor
from ...distances import euclidean_squared
from ...functions import erf
from ...tensors import Tensor
from ..transformers.kernels import kernel as pairwise_kernel

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import gaussian_process
    from sklearn.gaussian_process._gpc import _BinaryGaussianProcessClassifierLaplace

    classifier(_BinaryGaussianProcessClassifierLaplace, binary_classifier)
    forward(gaussian_process.GaussianProcessClassifier, lambda model: model.base_estimator_)
    regressor(gaussian_process.GaussianProcessRegressor, gaussian_process_regressor, _targets)


def _targets(model: Any) -> int:
    return 1 if model.alpha_.ndim == 1 else int(model.alpha_.shape[1])


def gaussian_process_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The posterior mean."""
    weights = model.alpha_.reshape(len(model.alpha_), -1) * model._y_train_std
    return covariance(g.x, model.X_train_, model.kernel_) @ weights + model._y_train_mean


def binary_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The sign of the latent function, and its logistic averaged over the posterior (Laplace's approximation)."""
    from sklearn.gaussian_process._gpc import COEFS, LAMBDAS

    near = covariance(g.x, model.X_train_, model.kernel_)
    mean = near @ (model.y_train_ - model.pi_)[:, None]
    spread = near @ (np.linalg.inv(model.L_) * model.W_sr_).T
    variance = variances(g, model.kernel_).reshape(-1, 1) - (spread * spread).sum(keepdims=True)
    slopes, weights = LAMBDAS.ravel(), COEFS.ravel()
    alpha = 0.5 / variance
    errors = erf(mean * slopes * (alpha / (alpha + slopes**2)).sqrt())
    positive = (errors * (weights / 2)).sum(keepdims=True) + 0.5 * weights.sum()
    index = (mean > 0.0).cast(np.int64).reshape(-1)
    return [labels(index, model.classes_), g.concat([1.0 - positive, positive])]


def covariance(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    """``kernel(x, rows)``, (n, m). Raises RuntimeError for a kernel without a translation."""
    name = type(kernel).__name__
    if name not in COVARIANCES:
        raise RuntimeError(f"the kernel {name} of Gaussian processes has no translation to ONNX")
    return COVARIANCES[name](x, np.asarray(rows, np.float64), kernel)


def _constant(x: Tensor, rows: Array, value: float) -> Tensor:
    return (x.columns([0]) * 0.0 + value) @ np.ones((1, len(rows)))


def _scaled_squares(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    return euclidean_squared(x / kernel.length_scale, rows / kernel.length_scale)


def _matern(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    squares = _scaled_squares(x, rows, kernel)
    if kernel.nu == np.inf:
        return (squares * -0.5).exp()
    if kernel.nu not in _MATERN:
        raise RuntimeError(f"Matern(nu={kernel.nu}) has no translation to ONNX; only 0.5, 1.5, 2.5 and inf do")
    scaled = (squares * (2.0 * kernel.nu)).sqrt()
    return _MATERN[kernel.nu](scaled) * (-scaled).exp()


_MATERN: dict[float, Callable[[Tensor], Tensor]] = {
    0.5: lambda d: d * 0.0 + 1.0,
    1.5: lambda d: d + 1.0,
    2.5: lambda d: d + 1.0 + d * d / 3.0,
}


def _rational_quadratic(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    squares = _scaled_squares(x, rows, kernel)
    return (squares / (2.0 * kernel.alpha) + 1.0) ** -kernel.alpha


def _exp_sine_squared(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    sine = (euclidean_squared(x, rows).sqrt() * (np.pi / kernel.periodicity)).sin() / kernel.length_scale
    return (sine * sine * -2.0).exp()


def _pairwise(x: Tensor, rows: Array, kernel: Any) -> Tensor:
    return pairwise_kernel(x, rows, kernel.metric, {"gamma": kernel.gamma, **(kernel.pairwise_kernels_kwargs or {})})


COVARIANCES: dict[str, Callable[[Tensor, Array, Any], Tensor]] = {
    "ConstantKernel": lambda x, rows, kernel: _constant(x, rows, kernel.constant_value),
    "DotProduct": lambda x, rows, kernel: x @ rows.T + kernel.sigma_0**2,
    "Exponentiation": lambda x, rows, kernel: covariance(x, rows, kernel.kernel) ** kernel.exponent,
    "ExpSineSquared": _exp_sine_squared,
    "Matern": _matern,
    "PairwiseKernel": _pairwise,
    "Product": lambda x, rows, kernel: covariance(x, rows, kernel.k1) * covariance(x, rows, kernel.k2),
    "RBF": lambda x, rows, kernel: (_scaled_squares(x, rows, kernel) * -0.5).exp(),
    "RationalQuadratic": _rational_quadratic,
    "Sum": lambda x, rows, kernel: covariance(x, rows, kernel.k1) + covariance(x, rows, kernel.k2),
    "WhiteKernel": lambda x, rows, kernel: _constant(x, rows, 0.0),
}
"""Kernels by the names of their classes; noise has no covariance with the training rows."""


def variances(g: EstimatorGraph, kernel: Any) -> Tensor:
    """``kernel.diag(x)``, (n,)."""
    name = type(kernel).__name__
    if name == "Sum":
        return variances(g, kernel.k1) + variances(g, kernel.k2)
    if name == "Product":
        return variances(g, kernel.k1) * variances(g, kernel.k2)
    if name == "Exponentiation":
        return variances(g, kernel.kernel) ** kernel.exponent
    if name == "DotProduct":
        return (g.x * g.x).sum() + kernel.sigma_0**2
    if name == "PairwiseKernel":
        raise RuntimeError("the variance of a PairwiseKernel has no translation to ONNX")
    return g.full(float(kernel.diag(np.zeros((1, 1)))[0]))
