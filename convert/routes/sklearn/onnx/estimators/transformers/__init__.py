"""Estimators that transform features."""
