"""Runs Apple's tests of Core ML against paritygate's engine and writes docs/coreml-conformance.md (about an hour).

``python -m benchmarks.coreml_apple --only PART`` runs one part again and keeps the results of the others; ``--page``
runs none.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from fixtures.apple_tests import suite

from .page import page

PAGE = Path("docs/coreml-conformance.md")
NAMED = ("coremltools", "numpy", "onnxruntime", "torch", "torchvision", "tensorflow-cpu", "tf-keras", "scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=[part.name for part in suite.PARTS])
    parser.add_argument("--page", action="store_true", help="only write the page of the records")
    arguments = parser.parse_args()
    for part in suite.PARTS:
        if not arguments.page and arguments.only in (None, part.name):
            suite.run(part)
    rows = suite.rows(suite.RECORDS / f"{part.name}.jsonl" for part in suite.PARTS)
    PAGE.write_text(page(rows, _versions(), f"{datetime.now(UTC):%Y-%m-%d}"))


def _versions() -> dict[str, str]:
    """Versions of installed packages; those in the suite's own folder take precedence."""
    wanted = [*distributions(), *distributions(path=[str(suite.PACKAGES)])]
    found = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in wanted}
    return {name: found[name] for name in NAMED if name in found}


if __name__ == "__main__":
    main()
