"""What goes into a model and what comes out: names, dtypes, shapes, and hints on sensible values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Feed = Mapping[str, Array]

Dim = int | str
"""One axis: its length, or the symbolic name of a dynamic axis."""

ClassLabel = str | int
"""What Core ML calls a class by."""

EPSILON: Mapping[str, float] = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Spacing of each floating dtype's numbers at 1."""

STRING = "str"
"""The dtype name of text; arrays hold it as numpy ``<U``."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output.

    ``dtype`` is a numpy name (``float32``, ``int64``, ``bool``, ...) or :data:`STRING`. ``shape`` is None
    where even the rank is unknown. ``accepts`` lists other dtypes that a faithful candidate may give for this
    output: the source does not promise one width (scikit-learn computes in whichever it is fed).
    """

    name: str
    dtype: str
    shape: tuple[Dim, ...] | None
    accepts: tuple[str, ...] = ()

    def __str__(self) -> str:
        shape = "?" if self.shape is None else ", ".join(map(str, self.shape))
        return f"{self.name}: {self.dtype}[{shape}]"


@dataclass(frozen=True, slots=True)
class Constant:
    """An argument that has the same value in every call: ``value`` is a number, a text, None, or a container."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Signature:
    """A model's inputs and outputs, in the model's own order.

    ``labels`` maps an output that holds class labels to the output with the scores that they are chosen by ("" where
    the model doesn't give them), so that a flip at a tie can be told from a wrong answer. ``layouts`` are shapes of all
    inputs by name, for generated samples of a model that takes certain lengths only. ``classes`` tells which class
    each column of a scores output stands for, where the model knows. ``bounds`` maps the symbol of an axis to its
    lowest and highest length (None: no highest one), where the model names them.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    layouts: tuple[Mapping[str, tuple[int, ...]], ...] = ()
    classes: Mapping[str, tuple[ClassLabel, ...]] = field(default_factory=dict)
    bounds: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An input of a source that is an image in the candidate: pixel ``p`` stands for the value ``scale * p + bias``.

    ``bias`` has one number, or one for each channel in the order of ``layout`` (``RGB``, ``BGR`` or ``GRAY``), which is
    the order of the source's channels. ``channels_last`` says where the source has them: (N, H, W, C) or (N, C, H, W).
    """

    scale: float = 1.0
    bias: tuple[float, ...] = (0.0,)
    layout: str = "RGB"
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """What the source knows about sensible values of one input; every part is optional.

    ``low`` and ``high`` are bounds: shape () for the whole input or (features,) for its last axis. ``points``
    holds, per feature of the last axis, values where the model changes its mind (split thresholds, bin edges).
    ``vocabulary`` is the set to draw from (categories, labels); ``categories`` holds, per feature of the last axis,
    a set of its own, empty for a feature that has none. ``missing`` says that NaN is a legal value,
    ``unknown`` that a value outside of the vocabulary is (``handle_unknown="ignore"``). ``table`` is how many numbers
    the tables hold that the input indexes: parameters that cost nothing to compute with.
    """

    name: str
    low: np.ndarray[Any, Any] | None = None
    high: np.ndarray[Any, Any] | None = None
    points: tuple[np.ndarray[Any, Any], ...] = ()
    vocabulary: tuple[str, ...] | tuple[int, ...] | tuple[float, ...] = ()
    missing: bool = False
    unknown: bool = False
    categories: tuple[tuple[Any, ...], ...] = ()
    table: int = 0
