"""How many of ONNX's operator tests survive a move to another opset, with our rules and with onnx.version_converter."""
