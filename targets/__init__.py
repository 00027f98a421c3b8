"""Does this model run on that device? Facts about runtimes, and the rules that hold a model file against them."""

from .api import check

__all__ = ["check"]
