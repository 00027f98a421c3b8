"""What a worker does: run the reference, run the candidate, describe a model."""
