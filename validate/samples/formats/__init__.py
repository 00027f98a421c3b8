"""One module per format of samples: each has a function ``read_...(path, context) -> RawSamples``."""
