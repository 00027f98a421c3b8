"""One module per command; each imports the library inside its body, so that ``--help`` stays fast."""
