"""Output shapes that a source declares wrongly are written as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    Dims = list[int | str | None]


def correct_declarations(model: onnx.ModelProto) -> tuple[str, ...]:
    """Give each output of ``model``, in place, the shape that shape inference finds where its own contradicts that.

    Returns a sentence for each. An output whose shape can't be inferred keeps its declaration.
    """
    import onnx

    inferred = onnx.ModelProto()
    inferred.CopyFrom(model)
    for value in inferred.graph.output:
        value.type.tensor_type.ClearField("shape")
    known = {value.name: value for value in onnx.shape_inference.infer_shapes(inferred).graph.output}
    notes = []
    for value in model.graph.output:
        told, found = _dims(value), _dims(known[value.name])
        if told is not None and found is not None and _contradict(told, found):
            value.type.tensor_type.shape.CopyFrom(known[value.name].type.tensor_type.shape)
            notes.append(
                f"the source declares output '{value.name}' as {_shown(told)}, but gives {_shown(found)}: the new file "
                "declares what it gives"
            )
    return tuple(notes)


def _dims(value: onnx.ValueInfoProto) -> Dims | None:
    declared = value.type.tensor_type
    if not declared.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in declared.shape.dim]


def _contradict(told: Dims, found: Dims) -> bool:
    pairs = zip(told, found, strict=False)
    return len(told) != len(found) or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)


def _shown(dims: Dims) -> str:
    return f"[{', '.join('?' if d is None else str(d) for d in dims)}]"
