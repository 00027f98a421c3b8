"""Trees, forests, boosters, and ensembles of arbitrary estimators."""
