"""What all routes to Core ML share: target, inputs, coremltools itself, and the written file."""
