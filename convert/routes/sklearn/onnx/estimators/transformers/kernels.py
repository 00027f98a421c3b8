"""Kernels, kernel machines and kernel approximations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, regressor, transformer
from ...distances import distances, euclidean_squared, unit_rows, unit_rows_of
from ...tensors import Tensor

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import kernel_approximation
    from sklearn.decomposition import KernelPCA
    from sklearn.kernel_ridge import KernelRidge

    transformer(kernel_approximation.AdditiveChi2Sampler, additive_chi2_sampler)
    transformer(kernel_approximation.Nystroem, nystroem)
    transformer(kernel_approximation.PolynomialCountSketch, polynomial_count_sketch)
    transformer(kernel_approximation.RBFSampler, rbf_sampler)
    transformer(kernel_approximation.SkewedChi2Sampler, skewed_chi2_sampler)
    transformer(KernelPCA, kernel_pca)
    regressor(KernelRidge, kernel_ridge, lambda model: np.size(model.dual_coef_[0]))


def kernel(x: Tensor, rows: Array, metric: str, parameters: Mapping[str, Any]) -> Tensor:
    """The kernel matrix (n, m) between the input and constant rows, by the name of a kernel of scikit-learn.

    ``parameters`` may hold more than the kernel takes, as in ``pairwise_kernels(..., filter_params=True)``.
    """
    if metric == "precomputed":
        return x
    if metric not in KERNELS:
        raise RuntimeError(f"the kernel {metric!r} has no translation to ONNX")
    return KERNELS[metric](x, np.asarray(rows, np.float64), **{k: v for k, v in parameters.items() if v is not None})


# A factor of a product is part of its constant: after a MatMul, ONNX Runtime would fuse it as a float32 attribute.


def _gamma(rows: Array, gamma: float | None) -> float:
    return 1.0 / rows.shape[1] if gamma is None else gamma


def _linear(x: Tensor, rows: Array, **_: Any) -> Tensor:
    return x @ rows.T


def _polynomial(x: Tensor, rows: Array, degree: float = 3, gamma: float | None = None, coef0: float = 1) -> Tensor:
    return (x @ (rows.T * _gamma(rows, gamma)) + coef0) ** degree


def _sigmoid(x: Tensor, rows: Array, gamma: float | None = None, coef0: float = 1, **_: Any) -> Tensor:
    return (x @ (rows.T * _gamma(rows, gamma)) + coef0).tanh()


def _rbf(x: Tensor, rows: Array, gamma: float | None = None, **_: Any) -> Tensor:
    return (euclidean_squared(x, rows) * -_gamma(rows, gamma)).exp()


def _laplacian(x: Tensor, rows: Array, gamma: float | None = None, **_: Any) -> Tensor:
    return (distances(x, rows, "manhattan") * -_gamma(rows, gamma)).exp()


def _cosine(x: Tensor, rows: Array, **_: Any) -> Tensor:
    return unit_rows(x) @ unit_rows_of(rows).T


def _additive_chi2(x: Tensor, rows: Array, **_: Any) -> Tensor:
    def minus_chi2(row: Tensor) -> Tensor:
        total = row + rows
        return -((row - rows) ** 2.0 / total.equals(0.0).where(1.0, total)).sum()

    return x.graph.scan(x, minus_chi2)


def _chi2(x: Tensor, rows: Array, gamma: float = 1.0, **_: Any) -> Tensor:
    return (_additive_chi2(x, rows) * gamma).exp()


KERNELS: dict[str, Callable[..., Tensor]] = {
    "additive_chi2": _additive_chi2,
    "chi2": _chi2,
    "cosine": _cosine,
    "laplacian": _laplacian,
    "linear": _linear,
    "poly": _polynomial,
    "polynomial": _polynomial,
    "rbf": _rbf,
    "sigmoid": _sigmoid,
}


def _parameters(model: Any) -> dict[str, Any]:
    """A kernel's parameters as KernelRidge, Nystroem and KernelPCA hold them."""
    return {**(model.kernel_params or {}), "gamma": model.gamma, "degree": model.degree, "coef0": model.coef0}


def kernel_ridge(g: EstimatorGraph, model: Any) -> Tensor:
    """Kernel with the training rows, times the dual coefficients."""
    dual = model.dual_coef_.reshape(len(model.dual_coef_), -1)
    return kernel(g.x, model.X_fit_, model.kernel, _parameters(model)) @ dual


def kernel_pca(g: EstimatorGraph, model: Any) -> Tensor:
    """Kernel with the training rows, centred and projected."""
    return project(kernel(g.x, model.X_fit_, model.kernel, _parameters(model) | {"gamma": model.gamma_}), model)


def project(raw: Tensor, model: Any) -> Tensor:
    """A kernel matrix (n, m), centred and projected on a KernelPCA's scaled eigenvectors."""
    positive = model.eigenvalues_ > 0
    scaled = np.zeros_like(model.eigenvectors_, np.float64)
    scaled[:, positive] = model.eigenvectors_[:, positive] / np.sqrt(model.eigenvalues_[positive])
    return centred(raw, model._centerer) @ scaled


def centred(raw: Tensor, centerer: Any) -> Tensor:
    """KernelCenterer.transform: minus the columns' means at fitting, minus each row's mean, plus the overall mean."""
    row_means = raw.sum(keepdims=True) / float(len(centerer.K_fit_rows_))
    return raw - centerer.K_fit_rows_ - row_means + centerer.K_fit_all_


def nystroem(g: EstimatorGraph, model: Any) -> Tensor:
    """Kernel with the landmarks, times the normalisation."""
    return kernel(g.x, model.components_, model.kernel, _parameters(model)) @ model.normalization_.T


def rbf_sampler(g: EstimatorGraph, model: Any) -> Tensor:
    """Random Fourier features of the RBF kernel."""
    return (g.x @ model.random_weights_ + model.random_offset_).cos() * np.sqrt(2.0 / model.n_components)


def skewed_chi2_sampler(g: EstimatorGraph, model: Any) -> Tensor:
    """Random Fourier features of the skewed chi-squared kernel."""
    projection = (g.x + model.skewedness).log() @ model.random_weights_ + model.random_offset_
    return projection.cos() * np.sqrt(2.0 / model.n_components)


def additive_chi2_sampler(g: EstimatorGraph, model: Any) -> Tensor:
    """Sampled Fourier transform of the additive chi-squared kernel; a zero stays zero in every feature."""
    interval = model.sample_interval or {1: 0.8, 2: 0.5, 3: 0.4}[model.sample_steps]
    zero = g.x.equals(0.0)
    log_step = zero.where(1.0, g.x).log() * interval
    features = [(g.x * interval).sqrt()]
    for j in range(1, model.sample_steps):
        factor = (g.x * (2 * interval / np.cosh(np.pi * j * interval))).sqrt()
        phase = log_step * float(j)
        features += [factor * phase.cos(), factor * phase.sin()]
    return g.concat(features)


def polynomial_count_sketch(g: EstimatorGraph, model: Any) -> Tensor:
    """Circular convolution of ``degree`` count sketches, as a product in the frequency domain.

    A sketch is linear in the features, and so is its Fourier transform: both are one matrix.
    """
    size = model.n_components
    wave = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)
    features = model.n_features_in_
    scale = np.sqrt(np.r_[np.full(features, model.gamma), np.full(model.indexHash_.shape[1] - features, model.coef0)])
    spectra = [
        _affine(g.x, (signs * scale)[:, None] * wave[buckets], features)
        for buckets, signs in zip(model.indexHash_, model.bitHash_, strict=True)
    ]
    real, imaginary = reduce(lambda a, b: (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]), spectra)
    return (real @ wave.real + imaginary @ wave.imag) / float(size)


def _affine(x: Tensor, weights: Array, features: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of ``x @ weights``, where a row beyond the features belongs to the constant 1."""
    real, imaginary = (x @ part[:features] + part[features:].sum(axis=0) for part in (weights.real, weights.imag))
    return real, imaginary
