"""The classic models of the ai.onnx.ml domain."""
