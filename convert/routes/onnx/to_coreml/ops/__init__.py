"""ONNX operators, one function each, one file per family."""
