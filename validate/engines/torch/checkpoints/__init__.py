"""Checkpoints: weights in the forms in which people save them, and the module that they belong to."""
