"""Shared by all routes to Core ML: deployment target, inputs, coremltools itself, and the written file."""
