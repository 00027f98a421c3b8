"""The outputs of the layers inside a framework's model, one module per framework."""
