"""Pools whose last window hangs over the edge."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down


@down(10, "AveragePool", "MaxPool")
def rounded_up_by_padding(w: Rewrite) -> None:
    """ceil_mode as more padding at the end, which counts for nothing; the lengths have to be known."""
    if not w.attribute("ceil_mode"):
        plain_down(w, ["ceil_mode"])
        return
    if w.attribute("count_include_pad") or w.attribute("auto_pad") not in (None, "NOTSET"):
        raise InexpressibleError("ceil_mode=1 is there from opset 10 on, and more padding would be counted")
    dims = w.dims(0)
    if dims is None or None in dims[2:]:
        raise InexpressibleError("ceil_mode=1 needs known lengths there")
    kernel = np.array(w.attribute("kernel_shape"))
    strides = np.array(w.attribute("strides") or np.ones_like(kernel))
    dilations = np.array(w.attribute("dilations") or np.ones_like(kernel))
    first, last = np.array(w.attribute("pads") or [0] * 2 * len(kernel)).reshape(2, -1)
    lengths = np.array(dims[2:], np.int64)
    reach = (kernel - 1) * dilations + 1
    steps = -(-(lengths + first + last - reach) // strides)
    steps -= steps * strides >= lengths + first  # a window that begins behind the elements isn't one
    more = np.maximum(0, steps * strides + reach - (lengths + first))
    plain_down(w, ["ceil_mode"], pads=[*first.tolist(), *more.tolist()])
