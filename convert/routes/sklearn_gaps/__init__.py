"""Converters for estimators that skl2onnx lacks or gets wrong."""
