"""The first divergence: the first layer of a failing candidate whose error rounding doesn't explain, and a repro."""
