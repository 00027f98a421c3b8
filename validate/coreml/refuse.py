"""The two ways in which a Core ML model is refused."""

from __future__ import annotations

from ..errors import ParityGateError


def damaged(subject: str, cause: str) -> ParityGateError:
    """The file contradicts itself or is cut short (PG402)."""
    return ParityGateError("PG402", subject, cause, "Write the model again; the file is damaged or was made by hand.")


def unsupported(subject: str, cause: str) -> ParityGateError:
    """The model asks for something that has no lowering (PG404)."""
    return ParityGateError("PG404", subject, cause)


def miscarried(subject: str, cause: str) -> ParityGateError:
    """A lowering broke its own contract, or ONNX refuses what it made (PG405)."""
    return ParityGateError("PG405", subject, cause, "This is a defect of paritygate; please report it with the model.")
