"""Many models, one config file, one verdict."""

from .api import GateOptions, exit_code, gate
from .config.permissions import Allow
from .levels import FailOn
from .shard import Shard

__all__ = ["Allow", "FailOn", "GateOptions", "Shard", "exit_code", "gate"]
