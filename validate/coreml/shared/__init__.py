"""Code shared by ML Program operators and neural network layers."""
