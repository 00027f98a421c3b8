"""One module per route; see registry.py for the order in which they are tried."""
