"""What ML Program operators and neural network layers share."""
