"""Other runtimes and other releases, each in a virtual environment of its own: what devices in the field have."""
