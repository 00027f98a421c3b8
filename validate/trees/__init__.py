"""Tree ensembles of every library in one form, and the proof that two of them are equal for all inputs."""
