"""Convert a model, prove parity, only then export."""
