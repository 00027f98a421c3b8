"""Files that PyTorch writes: their containers, the pickles in them, and what these may hold."""
