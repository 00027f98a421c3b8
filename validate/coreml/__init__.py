"""Core ML specifications, lowered to ONNX graphs."""
