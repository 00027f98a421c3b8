"""Neural network layers, one function each."""
