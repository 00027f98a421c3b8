"""Many models, one config file, one verdict."""

from .api import GateOptions, gate

__all__ = ["GateOptions", "gate"]
