"""ML Program operators, one function each."""
