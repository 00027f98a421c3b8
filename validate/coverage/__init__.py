"""Coverage: which parts of a model the samples exercised, counted in runs that are made anyway."""
