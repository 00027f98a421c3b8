"""Fitted estimators to ONNX: skl2onnx, with converters of our own for what it lacks or gets wrong."""
