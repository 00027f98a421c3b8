"""The errors of the Core ML engine."""

from __future__ import annotations

from ..errors import ParityGateError


def damaged(subject: str, cause: str) -> ParityGateError:
    """The file is inconsistent or truncated (PG402)."""
    return ParityGateError("PG402", subject, cause, "Save the model again; the file is damaged or was edited by hand.")


def unsupported(subject: str, cause: str) -> ParityGateError:
    """The model uses something that has no lowering (PG404)."""
    return ParityGateError("PG404", subject, cause)


def contradicts(scope: str, cause: str) -> ParityGateError:
    """The model breaks a rule of its own specification at the layer or operator ``kind:name`` (PG404)."""
    hint = "The file breaks the rules of its own format there. Correct the source model and convert it again."
    return ParityGateError("PG404", located(scope), cause, hint)


def located(scope: str) -> str:
    """The layer or operator that a scope ``kind:name`` stands for, as messages name it."""
    kind, separator, name = scope.partition(":")
    return f"{kind} '{name}'" if separator else scope


def broken_lowering(subject: str, cause: str) -> ParityGateError:
    """A lowering violated its own contract, or ONNX rejects the result (PG405)."""
    return ParityGateError("PG405", subject, cause, "This is a bug in paritygate; please report it with the model.")
