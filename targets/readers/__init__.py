"""Readers: what a model file says, in the form that the rules take. No framework is imported."""
