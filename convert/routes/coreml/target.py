"""Deployment targets, and the import of coremltools."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from ....validate.errors import ParityGateError
from ..base import FP32, RouteOptions

SPECIFICATIONS: dict[str, int] = {
    **{"iOS13": 4, "iOS14": 5, "iOS15": 6, "iOS16": 7, "iOS17": 8, "iOS18": 9},
    **{"macOS10.15": 4, "macOS11": 5, "macOS12": 6, "macOS13": 7, "macOS14": 8, "macOS15": 9},
    **{"watchOS6": 4, "watchOS7": 5, "watchOS8": 6, "watchOS9": 7, "watchOS10": 8, "watchOS11": 9},
    **{"tvOS13": 4, "tvOS14": 5, "tvOS15": 6, "tvOS16": 7, "tvOS17": 8, "tvOS18": 9},
    **{"visionOS1": 8, "visionOS2": 9},
}
"""Deployment target -> the specification version that it reads (Model.proto)."""

_FIRST_PROGRAM, _LAST_NETWORK = 6, 5


@dataclass(frozen=True, slots=True)
class DeploymentTarget:
    """The requirements on a file: ``specification`` is its version, ``program`` is true for ML Programs.

    ``fixed``: the user requested this deployment target; otherwise an operator may raise it.
    """

    name: str
    specification: int
    program: bool
    fixed: bool

    @property
    def ios(self) -> str:
        """The iOS release of this specification version, as coremltools names it."""
        return f"iOS{self.specification + 9}"

    def raised(self, ios: str, why: str) -> DeploymentTarget:
        """At least ``ios``, which ``why`` needs. Raises PG408 when an older target was requested."""
        wanted = SPECIFICATIONS[ios]
        if wanted <= self.specification:
            return self
        if self.fixed or not self.program:
            raise ParityGateError("PG408", self.name, f"{why} needs {ios}", f"--deployment-target {ios}")
        return DeploymentTarget(ios, wanted, program=True, fixed=False)


def target_of(destination: Path, options: RouteOptions) -> DeploymentTarget:
    """The target for the suffix of ``destination`` and the options. Raises PG201 and PG408.

    The default is the oldest that reads the format: iOS15 for ML Programs, iOS13 for neural networks and classic
    models. Newer targets read older files, so a neural network is never written for more than iOS14, the last target
    with a specification version for neural networks.
    """
    program = destination.suffix == ".mlpackage"
    if options.precision != FP32 and not program:
        raise ParityGateError(
            "PG201", options.precision, "an .mlmodel computes in the precision of its device", _PACKAGE
        )
    if options.deployment_target is None:
        return DeploymentTarget("iOS15" if program else "iOS13", 6 if program else 4, program, fixed=False)
    name = named(options.deployment_target)
    specification = SPECIFICATIONS[name]
    if program and specification < _FIRST_PROGRAM:
        raise ParityGateError("PG408", name, "an .mlpackage needs iOS15, macOS12 or newer", "Write an .mlmodel for it.")
    return DeploymentTarget(name, specification if program else min(specification, _LAST_NETWORK), program, fixed=True)


_PACKAGE = "Write an .mlpackage to choose the precision."


def named(text: str) -> str:
    """The key of :data:`SPECIFICATIONS` that the user means. Raises PG201."""
    for name in SPECIFICATIONS:
        if name.lower() == text.lower():
            return name
    raise ParityGateError("PG201", text, "is not a deployment target", f"Known: {', '.join(SPECIFICATIONS)}.")


@cache
def coremltools() -> ModuleType:
    """coremltools, imported without its messages. Raises PG403.

    It imports every framework that it finds, and knows no other for as long as the process lives. A worker masks those
    that its source doesn't need, which saves ten seconds; in a notebook the next model may be of any framework.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            import coremltools as module
    except ImportError as e:
        raise ParityGateError(
            "PG403", "coremltools", f"can't be imported: {e}", "pip install 'paritygate[coreml]'"
        ) from e
    loaded: ModuleType = module
    return loaded
