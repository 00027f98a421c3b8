"""Quantised tensors, and products of them."""
