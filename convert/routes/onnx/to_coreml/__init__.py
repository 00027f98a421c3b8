"""ONNX operators on coremltools' MIL builder, one function per operator.

Only ever imported after :func:`..coreml.target.coremltools`, so that its modules may import
coremltools at their top.

The straight line: ``program.py`` makes the function and its inputs, ``translate.py`` walks the nodes, ``registry.py``
binds a node's inputs and attributes to the translation's signature, ``ops/`` has one file per family of operators, and
``families.py`` imports them all. What no translation covers is expanded by ONNX' own
definition (``functions.py``); nodes with constant inputs only are computed at once by ONNX' reference (``folding.py``).

To add an operator, write one function in its family's file::

    @translates("LeakyRelu", since=6)
    def leaky_relu(node: Node, x: Var, *, alpha: float) -> Var:
        \"\"\"x where x >= 0, alpha * x elsewhere.\"\"\"
        return mb.leaky_relu(x=x, alpha=alpha)

- The signature is the schema. Positional parameters are ONNX' inputs in order: ``Var`` may be computed by the model (a
  known one arrives as a narrowed MIL constant), ``Array`` must be a constant and has the source's dtype (int64 stays
  int64), ``Operand`` is either, or a sequence. ``= None`` marks optional inputs, ``*xs: Var`` takes any number. Keyword
  parameters are attributes in snake case (``trans_a``); where a node has none, ONNX' default stands in, then the
  parameter's own.
- ``since=13`` says from which opset this form holds; the newest that the model's opset allows is taken.
  ``domain="ai.onnx.ml"`` for other domains, ``folds=False`` where constant inputs don't make a constant (random
  numbers) or shall stay visible (quantised weights).
- MIL has bool, int32 and fp32 here; a result is cast to the type that stands for the source's dtype. ``node.dtype(i)``
  is the dtype that input i has in the source and ``node.results`` what ONNX infers for the outputs, for the few
  operators that depend on it (integer division, narrow integers that wrap).
- Several outputs are a tuple, in order; trailing ones may be missing when ``node.outputs`` says that nobody asks.
  Return a :class:`.values.Operand` to state a dtype that ONNX' inference can't know, or a sequence.
- ``node.need("iOS17")`` before an operator of that opset: the translation starts again for the newer target, or is
  refused where the user asked for an older one. ``raise node.unsupported("...")`` for what can't be expressed.
- ``node.subgraph(graph, values)`` translates a nested graph into the current MIL block (call it within the function
  that ``mb.cond`` and ``mb.while_loop`` take).
"""
