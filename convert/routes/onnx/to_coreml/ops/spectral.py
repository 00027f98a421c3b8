"""Fourier transforms as matrix products, and determinants."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from ..common import floating, length, reshape, sliced, transpose, unsqueezed
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array


@translates("DFT", since=17)
def dft_attribute(
    node: Node, x: Var, dft_length: Array | None = None, *, axis: int, inverse: int, onesided: int
) -> Var:
    """The discrete Fourier transform along an axis."""
    return _transformed(node, x, dft_length, axis, inverse, onesided)


@translates("DFT", since=20)
def dft(
    node: Node, x: Var, dft_length: Array | None = None, axis: Array | None = None, *, inverse: int, onesided: int
) -> Var:
    """The discrete Fourier transform along an axis, by default the last one before the complex axis."""
    return _transformed(node, x, dft_length, -2 if axis is None else int(axis.reshape(-1)[0]), inverse, onesided)


def _transformed(node: Node, x: Var, count: Array | None, axis: int, inverse: int, onesided: int) -> Var:
    position = axis % x.rank
    size = length(x, position)
    if not isinstance(size, int):
        raise node.unsupported("the length of its axis is unknown")
    whole = 2 * (size - 1) if onesided and inverse else size
    total = whole if count is None else int(count.reshape(-1)[0])
    x = sliced(x, position, 0, total) if total < size else x
    order = [i for i in range(x.rank - 1) if i != position]
    flat = transpose(x, [*order, position, x.rank - 1])
    complete = onesided and inverse
    matrices = _half_inverse(total, int(flat.shape[-2])) if complete else _matrices(total, int(flat.shape[-2]), inverse)
    if onesided and not inverse:
        matrices = [m[:, : total // 2 + 1] for m in matrices]
    y = _complex_product(flat, *matrices)
    y = sliced(y, -1, 0, 1) if complete else y
    back = [*order, position, x.rank - 1]
    return transpose(y, [back.index(i) for i in range(x.rank)])


def _matrices(total: int, given: int, inverse: int) -> list[Array]:
    """cos and sin of the transform's angles, (given, total); missing elements are zero."""
    angles = 2 * np.pi * (np.outer(np.arange(given), np.arange(total)) % total) / total
    scale, sign = (1 / total, 1) if inverse else (1, -1)
    return [(scale * np.cos(angles)).astype(np.float32), (sign * scale * np.sin(angles)).astype(np.float32)]


def _half_inverse(total: int, given: int) -> list[Array]:
    """For a one-sided spectrum: the other half is the mirrored conjugate."""
    real, imaginary = _matrices(total, given, 1)
    twice = np.array([1 if k == 0 or 2 * k == total else 2 for k in range(given)], np.float32)[:, None]
    return [real * twice, imaginary * twice]


def _complex_product(x: Var, real: Array, imaginary: Array) -> Var:
    """(a + ib)(c + is) along the axis before the last, which holds a and b, or a alone."""
    a = mb.squeeze(x=sliced(x, -1, 0, 1), axes=[-1])
    ac, as_ = mb.matmul(x=a, y=real), mb.matmul(x=a, y=imaginary)
    if int(x.shape[-1]) == 1:
        return mb.stack(values=[ac, as_], axis=-1)
    b = mb.squeeze(x=sliced(x, -1, 1, 2), axes=[-1])
    bc, bs = mb.matmul(x=b, y=real), mb.matmul(x=b, y=imaginary)
    return mb.stack(values=[mb.sub(x=ac, y=bs), mb.add(x=as_, y=bc)], axis=-1)


@translates("STFT", since=17)
def stft(
    node: Node,
    signal: Var,
    frame_step: Array,
    window: Var | None = None,
    frame_length: Array | None = None,
    *,
    onesided: int,
) -> Var:
    """Fourier transforms of the windowed frames of a signal (batch, samples, 1 or 2)."""
    samples, step = length(signal, 1), int(frame_step.reshape(-1)[0])
    width = int(frame_length.reshape(-1)[0]) if frame_length is not None else window and int(window.shape[0])
    if not isinstance(samples, int) or not width:
        raise node.unsupported("the length of its signal is unknown")
    signal = signal if signal.rank == 3 else unsqueezed(signal, [2])
    starts = np.arange((samples - width) // step + 1) * step
    frames = mb.gather(x=signal, indices=(starts[:, None] + np.arange(width)).astype(np.int32), axis=1)
    if window is not None:
        frames = mb.mul(x=frames, y=reshape(floating(window), [1, 1, width, 1]))
    bins = width // 2 + 1 if onesided else width
    return _complex_product(frames, *(m[:, :bins] for m in _matrices(width, width, 0)))


@translates("Det", since=11)
def det(node: Node, x: Var) -> Var:
    """The determinants of small matrices, by the Leibniz formula."""
    size = int(x.shape[-1])
    if size > 4:
        raise node.unsupported(f"Core ML has no operator for the determinant of a {size} by {size} matrix")
    total = None
    for perm in permutations(range(size)):
        sign = np.float32(round(np.linalg.det(np.eye(size)[list(perm)])))
        term = None
        for row, column in enumerate(perm):
            cell = sliced(sliced(x, -2, row, row + 1), -1, column, column + 1)
            term = mb.mul(x=cell, y=sign) if term is None else mb.mul(x=term, y=cell)
        total = term if total is None else mb.add(x=total, y=term)
    return mb.squeeze(x=total, axes=[-2, -1])
