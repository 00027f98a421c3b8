"""What the layers inside of a framework's model compute, one module per framework."""
