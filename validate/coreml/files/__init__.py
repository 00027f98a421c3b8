"""Core ML's files: packages, protobuf messages, weights, and what they contain."""
