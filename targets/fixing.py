"""What the tool itself can do about a refusal: convert the model again, with parity proved."""

from __future__ import annotations

from pathlib import Path

from ..validate.errors import ParityGateError
from ..validate.events import Listener
from .values import Check, Effect


def fixes(check: Check) -> dict[str, str]:
    """Option of ``convert`` -> value: for an opset, the lowest that a target asks for."""
    found: dict[str, str] = {}
    for reason in (reason for answer in check.answers for reason in answer.reasons):
        if reason.fix and reason.effect in (Effect.REFUSES, Effect.OPEN):
            option, value = reason.fix
            known = found.get(option)
            found[option] = value if known is None or option != "--opset" else str(min(int(known), int(value)))
    return found


def command(check: Check, output: str = "") -> str:
    """The command that does it; "" where nothing can be done so."""
    options = " ".join(f"{option} {value}" for option, value in fixes(check).items())
    name = output or f"fixed{Path(check.model).suffix}"
    return f"paritygate convert {check.model} -o {name} {options}" if options else ""


def fixed(check: Check, output: Path, on_event: Listener) -> Path:
    """Convert the checked model so that the targets take it, and prove parity.

    Raises ParityGateError PG201 where there is nothing that a conversion could mend, PG101 where parity doesn't hold,
    and what the conversion raises.
    """
    from ..convert import convert

    options = fixes(check)
    if not options:
        cause = "no refusal that a conversion could mend"
        raise ParityGateError("PG201", check.model, cause, "Follow the remedies that the report names.")
    keywords = {option.removeprefix("--").replace("-", "_"): value for option, value in options.items()}
    if "opset" in keywords:
        conversion = convert(check.model, output, opset=int(keywords["opset"]), on_event=on_event)
    else:
        conversion = convert(check.model, output, on_event=on_event, **keywords)  # type: ignore[arg-type]  # names of options
    if conversion.path is None:
        raise ParityGateError("PG101", check.model, "the fixed model gives other values", "See paritygate convert.")
    return conversion.path
