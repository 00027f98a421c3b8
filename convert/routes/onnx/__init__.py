"""Routes from ONNX and, through the Core ML engine, from Core ML."""
