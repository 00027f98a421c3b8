"""Samples: from files, or generated from a signature."""
