"""Installs the wheel into clean environments: each extra alone, and the usual ones under each interpreter."""
