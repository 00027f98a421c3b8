"""One module per framework that can run a model; see registry.py."""
