"""Operators that crop, resize and resample images."""
