"""A bounded search for inputs on which two models part, and for inputs that take the branches which no sample took.

:mod:`.session` is the parent's side; :mod:`.tasks` runs in the workers. Whatever is found becomes a sample like any
other: both models are run on it, and the verdict speaks of it.
"""
