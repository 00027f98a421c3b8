"""No ONNX operator is forgotten: it has a translation, a function body, or an entry in fixtures/onnx_gaps.py."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import onnx

from fixtures.onnx_gaps import GAPS
from paritygate.convert.routes.coreml.target import coremltools
from paritygate.convert.routes.onnx.to_coreml.route import OLDEST_OPSET

PAGE = Path(__file__).parents[4] / "docs" / "onnx-to-coreml.md"


def operators() -> dict[tuple[str, str], list[onnx.defs.OpSchema]]:
    """(domain, operator) -> its forms in the opsets that the route translates, deprecated ones left out."""
    found = defaultdict(list)
    for schema in sorted(onnx.defs.get_all_schemas_with_history(), key=lambda schema: schema.since_version):
        forms = found[schema.domain, schema.name]
        if not schema.domain and schema.since_version <= OLDEST_OPSET:
            forms.clear()
        forms.append(schema)
    supported = {key: [form for form in forms if not form.deprecated] for key, forms in found.items()}
    return {key: forms for key, forms in supported.items() if forms}


def untranslated(domain: str, name: str, forms: list[onnx.defs.OpSchema]) -> set[str]:
    """The operator as the list of gaps names it, or those of its forms that have no translation."""
    from paritygate.convert.routes.onnx.to_coreml import families
    from paritygate.convert.routes.onnx.to_coreml.functions import has_body
    from paritygate.convert.routes.onnx.to_coreml.registry import translates

    assert families.__all__
    missing = [
        form.since_version
        for form in forms
        # Operators without inputs are folded by ONNX' reference implementation.
        if form.max_input and not translates.find(domain, name, form.since_version) and not has_body(form)
    ]
    title = f"{domain}.{name}" if domain else name
    return {title} if len(missing) == len(forms) else {f"{title}-{version}" for version in missing}


def test_every_operator_is_translated_or_expanded_or_listed() -> None:
    coremltools()
    found: set[str] = set()
    for (domain, name), forms in operators().items():
        found |= untranslated(domain, name, forms)
    assert found - GAPS.keys() == set(), "neither translated nor listed"
    assert GAPS.keys() - found == set(), "listed as a gap, but translated or unknown to ONNX"


def test_every_translation_is_of_an_operator_that_onnx_knows() -> None:
    coremltools()
    from paritygate.convert.routes.onnx.to_coreml import families
    from paritygate.convert.routes.onnx.to_coreml.registry import translates

    assert families.__all__
    known = {(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas_with_history()}
    assert {key for key in translates.names() if key[0] != "com.microsoft"} <= known


def test_the_page_lists_every_gap() -> None:
    page = PAGE.read_text()
    assert [name for name, reason in GAPS.items() if f"| {name} | {reason} |" not in page] == []
