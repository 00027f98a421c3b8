"""A search, within a time limit, for inputs on which two models differ, and for inputs that take untaken branches.

:mod:`.session` is the parent's side, :mod:`.tasks` runs in the workers. What is found becomes an ordinary sample: both
models are run on it and judged by it.
"""
