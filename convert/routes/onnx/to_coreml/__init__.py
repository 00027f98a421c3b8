"""ONNX operators on coremltools' MIL builder, one function per operator.

Only ever imported after :func:`..coreml.target.coremltools`, so that its modules may import
coremltools at their top.

In order: ``program.py`` creates the function and its inputs, ``translate.py`` walks the nodes, ``registry.py``
binds a node's inputs and attributes to the translation's signature, ``ops/`` has one file per family of operators, and
``families.py`` imports them all. Operators without a translation are expanded by
ONNX' own definition (``functions.py``); nodes with constant inputs are computed by ONNX' reference (``folding.py``).

To add an operator, write one function in its family's file::

    @translates("LeakyRelu", since=6)
    def leaky_relu(node: Node, x: Var, *, alpha: float) -> Var:
        \"\"\"x where x >= 0, alpha * x elsewhere.\"\"\"
        return mb.leaky_relu(x=x, alpha=alpha)

- The signature is the schema. Positional parameters are ONNX' inputs in order: ``Var`` may be computed by the model (a
  constant is passed as a narrowed MIL constant), ``Array`` must be a constant and has the source's dtype (int64 stays
  int64), ``Operand`` is either of them, or a sequence. ``= None`` marks optional inputs, ``*xs: Var`` takes any number.
  Keyword parameters are attributes in snake case (``trans_a``); a missing attribute has ONNX' default, then the
  parameter's own.
- ``since=13`` is the first opset that the function applies to; the newest that the model's opset allows is used.
  ``domain="ai.onnx.ml"`` is for other domains, ``folds=False`` for operators whose result isn't a constant even if the
  inputs are (random numbers), or whose inputs must be preserved (quantised weights).
- MIL has bool, int32 and fp32 here; a result is cast to the type that represents the source's dtype. ``node.dtype(i)``
  is the dtype of input i in the source and ``node.results`` are the dtypes that ONNX infers for the outputs, for the
  few operators that depend on them (integer division, narrow integers that wrap).
- Several outputs are a tuple, in order; trailing ones may be omitted if ``node.outputs`` shows that they are unused.
  Return a :class:`.values.Operand` to specify a dtype that ONNX can't infer, or a sequence.
- ``node.need("iOS17")`` before an operator of that opset: the translation restarts for the newer target, or is
  rejected if the user requested an older one. ``raise node.unsupported("...")`` for what can't be expressed.
- ``node.subgraph(graph, values)`` translates a nested graph into the current MIL block (call it within the function
  passed to ``mb.cond`` or ``mb.while_loop``).
"""
