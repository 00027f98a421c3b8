"""ONNX operators on coremltools' MIL builder, one function per operator."""
