"""coremltools' MIL, under the names in its own documentation."""

from __future__ import annotations

from coremltools.converters.mil.mil import Builder, Function, Program, Var, types
from coremltools.converters.mil.mil.types.symbolic import is_symbolic

mb = Builder

__all__ = ["Function", "Program", "Var", "is_symbolic", "mb", "types"]
