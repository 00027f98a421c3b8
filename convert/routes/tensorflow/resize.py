"""TensorFlow's image resizes as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .nodes import Nodes, Translation, constant, flag

if TYPE_CHECKING:
    from ....validate.signature import Array

_FLOAT, _INT64 = 1, 7
_TO_NCHW, _TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def bilinear(nodes: Nodes, node: Any) -> str:
    """ResizeBilinear."""
    return _resize(nodes, node, mode="linear", coordinate_transformation_mode=_grid(node, "half_pixel"))


def nearest(nodes: Nodes, node: Any) -> str:
    """ResizeNearestNeighbor; rounds half away from zero for aligned corners, else rounds down."""
    return _resize(
        nodes,
        node,
        mode="nearest",
        coordinate_transformation_mode=_grid(node, "tf_half_pixel_for_nn"),
        nearest_mode="round_prefer_ceil" if flag(node, "align_corners") else "floor",
    )


def bicubic(nodes: Nodes, node: Any) -> str:
    """ResizeBicubic: Keys' kernel, pixels outside the image excluded; without half-pixel centers a different kernel.

    As matrices if the sizes are fixed: ONNX Runtime's optimiser permutes the axes of a cubic Resize, which it then
    rejects.
    """
    import tensorflow as tf

    keys = flag(node, "half_pixel_centers")
    if _fixed(nodes, node):
        return _separable(
            nodes,
            node,
            lambda _, image, length: tf.raw_ops.ResizeBicubic(
                images=image, size=[length, 1], align_corners=flag(node, "align_corners"), half_pixel_centers=keys
            ),
        )
    return _resize(
        nodes,
        node,
        mode="cubic",
        coordinate_transformation_mode=_grid(node, "half_pixel"),
        cubic_coeff_a=-0.5 if keys else -0.75,
        exclude_outside=int(keys),
    )


def _grid(node: Any, half_pixel: str) -> str:
    if flag(node, "align_corners"):
        return "align_corners"
    return half_pixel if flag(node, "half_pixel_centers") else "asymmetric"


def _resize(nodes: Nodes, node: Any, **attributes: Any) -> str:
    """Resize by sizes. tf2onnx uses scales, and a float32 scale times a length may round to just below the size."""
    image = _channels_first(nodes, node.input[0])
    sizes = nodes.op("Cast", node.input[1], to=_INT64)
    outer = nodes.op("Slice", nodes.op("Shape", image), nodes.const(np.array([0])), nodes.const(np.array([2])))
    wanted = nodes.op("Concat", outer, sizes, axis=0)
    empty = nodes.const(np.array([], np.float32))
    resized = nodes.op("Transpose", nodes.op("Resize", image, empty, empty, wanted, **attributes), perm=_TO_NHWC)
    return _cast(nodes, resized, node.output_dtypes[0])


def _channels_first(nodes: Nodes, image: str) -> str:
    return nodes.op("Transpose", _cast(nodes, image, _FLOAT), perm=_TO_NCHW)


def _cast(nodes: Nodes, value: str, dtype: int) -> str:
    return value if nodes.graph.get_dtype(value) == dtype else nodes.op("Cast", value, to=dtype)


def _fixed(nodes: Nodes, node: Any) -> bool:
    """Whether height and width are known, of the input and of the output."""
    shape = nodes.graph.get_shape(node.input[0])
    return shape is not None and -1 not in shape[1:3] and node.inputs[1].is_const()


def area(nodes: Nodes, node: Any) -> str:
    """ResizeArea, which ONNX lacks."""
    import tensorflow as tf

    def along(axis: int, image: Array, length: int) -> Any:
        return tf.raw_ops.ResizeArea(images=image, size=[length, 1], align_corners=flag(node, "align_corners"))

    return _separable(nodes, node, along)


def scale_and_translate(nodes: Nodes, node: Any) -> str:
    """ScaleAndTranslate: resizes with antialiasing and the Lanczos kernels, which ONNX lacks.

    If the model computes the scale, it is assumed to be the ratio of the sizes, as in ``tf.image.resize``.
    """
    import tensorflow as tf

    computed = not node.inputs[2].is_const()
    translation = constant(node, 3)

    def along(axis: int, image: Array, length: int) -> Any:
        scale = length / len(image) if computed else float(constant(node, 2)[axis])
        return tf.raw_ops.ScaleAndTranslate(
            images=image,
            size=[length, 1],
            scale=[scale, 1.0],
            translation=[translation[axis], 0.0],
            kernel_type=_text(node.get_attr_value("kernel_type")),
            antialias=flag(node, "antialias"),
        )

    return _separable(nodes, node, along)


def _separable(nodes: Nodes, node: Any, along: Callable[[int, Array, int], Any]) -> str:
    """A linear resize as a matrix for each axis.

    TensorFlow itself gives the matrices: ``along`` resizes a stack of unit vectors.
    """
    import tensorflow as tf

    if not _fixed(nodes, node):
        raise ValueError(f"{node.type} can only be converted for images of a fixed height and width")
    shape, sizes = nodes.graph.get_shape(node.input[0]), constant(node, 1)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        vertical, horizontal = (
            session.run(along(axis, np.eye(length, dtype=np.float32)[:, :, None, None], int(size)))[:, :, 0, 0]
            for axis, (length, size) in enumerate(zip(shape[1:3], sizes, strict=True))
        )
    tall = nodes.op("MatMul", nodes.const(vertical.T.copy()), _channels_first(nodes, node.input[0]))
    return nodes.op("Transpose", nodes.op("MatMul", tall, nodes.const(horizontal)), perm=_TO_NHWC)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


RESIZES: dict[str, Translation] = {
    "ResizeArea": area,
    "ResizeBicubic": bicubic,
    "ResizeBilinear": bilinear,
    "ResizeNearestNeighbor": nearest,
    "ScaleAndTranslate": scale_and_translate,
}
