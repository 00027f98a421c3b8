"""Routes from ONNX and, through our own Core ML engine, from Core ML."""
