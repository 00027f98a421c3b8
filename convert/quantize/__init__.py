"""Smaller numbers behind a proved conversion: quantisers, and the choice of layers that stay in float."""
