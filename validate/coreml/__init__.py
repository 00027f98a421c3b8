"""Core ML specifications, lowered to ONNX graphs.

In order: :mod:`.files.package` opens the file, :mod:`.lower` turns the specification into a :class:`.graph.Graph`
(:mod:`.program` for ML Programs, :mod:`.network` for neural networks, :mod:`.models` for everything else), and
:mod:`.runtime` runs that graph in ONNX Runtime. See docs/coreml-engine.md.
"""
