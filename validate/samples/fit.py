"""Checks the user's arrays against the signature and casts them where the model needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from .domain import numpy_dtype
from .job_file import storable
from .types import Sample, Samples

if TYPE_CHECKING:
    from ..signature import Array, Dim, Feed, Signature, TensorSpec

_LAYOUTS = {"channels last": (0, 2, 3, 1), "channels first": (0, 3, 1, 2)}


def fit_to(samples: Samples, signature: Signature, *, keep_width: bool = False) -> Samples:
    """Check names, ranks, shapes and values against ``signature`` and cast to its dtypes.

    An array stays as it is if its dtype is the input's or one that the input accepts. With ``keep_width`` so does every
    floating array for a floating input: scikit-learn computes in the width that it is fed and must see the user's own
    numbers. Everything else is cast once, here, so that both models get the same bytes. Rounding is noted; a cast that
    would change the meaning of a value (fractions or NaN to integers, overflow) is refused.

    Raises ParityGateError PG204.
    """
    notes = dict.fromkeys(samples.notes)
    items = []
    for sample in samples.items:
        feed, remarks = _fit(sample, signature, keep_width)
        items.append(replace(sample, feed=feed))
        notes.update(dict.fromkeys(remarks))
    return replace(samples, items=tuple(items), notes=tuple(notes))


def check_names(feed: Feed, signature: Signature) -> None:
    """Check that a feed has exactly the model's inputs. Raises ParityGateError PG204."""
    names = [spec.name for spec in signature.inputs]
    for name in feed:
        if name not in names:
            raise ParityGateError(
                "PG204",
                f"'{name}' of the samples",
                "the model has no such input",
                f"Its inputs: {', '.join(names)}. Rename or remove the array.",
            )
    for name in names:
        if name not in feed:
            raise ParityGateError(
                "PG204", f"input '{name}'", "the samples have no array for it", f"They have: {', '.join(feed)}."
            )


def _fit(sample: Sample, signature: Signature, keep_width: bool) -> tuple[Feed, list[str]]:
    check_names(sample.feed, signature)
    lengths: dict[str, tuple[int, str]] = {}
    feed: dict[str, Array] = {}
    notes = []
    for spec in signature.inputs:
        subject = f"input '{spec.name}' in {sample.label}"
        array = storable(_decoded(sample.feed[spec.name], subject), spec.name)
        _check_shape(array, spec, subject, lengths)
        feed[spec.name], rounded = _as_dtype_of(spec, array, keep_width, subject)
        if rounded:
            notes.append(
                f"values of input '{spec.name}' were rounded from {array.dtype} to {spec.dtype}, for both models"
            )
    return feed, notes


def _as_dtype_of(spec: TensorSpec, array: Array, keep_width: bool, subject: str) -> tuple[Array, bool]:
    """``array`` in a dtype that the input takes, and whether values were rounded."""
    dtype = numpy_dtype(spec)
    if array.dtype.name in (spec.dtype, *spec.accepts) or array.dtype.kind == dtype.kind == "U":
        return array, False
    if keep_width and array.dtype.kind == dtype.kind == "f":
        return array, False
    result = _cast(array, dtype, subject)
    if dtype.kind not in "fc" or _same(array, result):
        return result, False
    return (array.astype(np.float64), False) if keep_width else (result, True)


def _decoded(array: Array, subject: str) -> Array:
    """Bytes as UTF-8 text; other arrays as they are."""
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise ParityGateError("PG204", subject, f"its bytes are not UTF-8 text: {error}") from error


def _check_shape(array: Array, spec: TensorSpec, subject: str, lengths: dict[str, tuple[int, str]]) -> None:
    """Check rank and lengths; ``lengths`` collects the length of each symbol in this feed."""
    if array.ndim and not array.shape[0]:
        raise ParityGateError("PG204", subject, "it has no rows", "An empty comparison would prove nothing.")
    if spec.shape is None:
        return
    if not _agree(array.shape, spec.shape):
        raise ParityGateError(
            "PG204", subject, f"the samples have shape {array.shape}, the model takes {spec}", _advice(array, spec)
        )
    for dim, length in zip(spec.shape, array.shape, strict=True):
        if isinstance(dim, str) and dim.isidentifier():
            known, owner = lengths.setdefault(dim, (length, spec.name))
            if known != length:
                raise ParityGateError(
                    "PG204", subject, f"axis '{dim}' has length {length} here and {known} in '{owner}'"
                )


def _agree(shape: tuple[int, ...], dims: tuple[Dim, ...]) -> bool:
    return len(shape) == len(dims) and all(
        isinstance(dim, str) or dim == length for dim, length in zip(dims, shape, strict=True)
    )


def _advice(array: Array, spec: TensorSpec) -> str:
    dims = spec.shape or ()
    if _agree((1, *array.shape), dims):
        return "The batch axis is missing: array[None] adds one."
    if array.ndim == len(dims) + 1 and _agree(array.shape[1:], dims):
        return f"Store one array per sample, named '0/{spec.name}', '1/{spec.name}', ..."
    for name, axes in _LAYOUTS.items():
        if array.ndim == 4 and _agree(array.transpose(axes).shape, dims):
            return f"The model takes {name}: numpy.transpose(array, {axes})."
    return "Reshape the samples."


def _cast(array: Array, dtype: np.dtype[Any], subject: str) -> Array:
    """``array`` as ``dtype``; refused where a value would change other than by rounding."""
    if "U" in (array.dtype.kind, dtype.kind):
        raise _mismatch(array, dtype, subject, "text is not converted to numbers, nor numbers to text")
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise _mismatch(array, dtype, subject, "it can't hold complex values")
    if dtype.kind in "iu":
        _check_integers(array, dtype, subject)
    if dtype.kind == "b" and not np.isin(array, (0, 1)).all():
        raise _mismatch(array, dtype, subject, "only 0 and 1 can be cast to booleans")
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    if dtype.kind in "fc" and not np.array_equal(np.isfinite(array), np.isfinite(result)):
        raise _mismatch(array, dtype, subject, "a value overflows to infinity")
    return result


def _check_integers(array: Array, dtype: np.dtype[Any], subject: str) -> None:
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise _mismatch(array, dtype, subject, "NaN or infinity (an empty cell?) is not an integer")
        fractions = array[array != np.trunc(array)]
        if fractions.size:
            raise _mismatch(array, dtype, subject, f"{fractions[0]} is not an integer")
    limits = np.iinfo(dtype)
    for value in (array.min(), array.max()) if array.size else ():
        if not limits.min <= int(value) <= limits.max:
            raise _mismatch(array, dtype, subject, f"{int(value)} is out of range")


def _same(array: Array, result: Array) -> bool:
    """Whether the cast kept every value."""
    values = result.real if array.dtype.kind != "c" else result
    with np.errstate(invalid="ignore"):  # an integer that was rounded up to 2**63 can't be cast back
        return np.array_equal(values.astype(array.dtype), array, equal_nan=True)


def _mismatch(array: Array, dtype: np.dtype[Any], subject: str, cause: str) -> ParityGateError:
    found, wanted = ("str" if each.kind == "U" else str(each) for each in (array.dtype, dtype))
    return ParityGateError("PG204", subject, f"the samples hold {found}, the model takes {wanted}: {cause}")
