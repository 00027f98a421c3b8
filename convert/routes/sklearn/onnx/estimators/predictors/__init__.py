"""Estimators that predict by themselves."""
