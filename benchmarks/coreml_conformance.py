"""Run the recorded Core ML cases through the engine and count what passes: by area, and what each operator breaks.

    python -m benchmarks.coreml_conformance ../shared/coreml_conformance [--only TEXT] [--nominal] [-v]

``--nominal`` judges float16 programs by the tolerance that float32 would get.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "validate" / "coreml"))


def main() -> int:
    from recorded import cases, failure

    arguments = _arguments()
    start = time.perf_counter()
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    blame: dict[str, list[str]] = defaultdict(list)
    for case in cases(arguments.corpus):
        if arguments.only not in case.name:
            continue
        wrong = failure(case, nominal=arguments.nominal)
        total[case.kind] += 1
        passed[case.kind] += wrong is None
        if wrong:
            blame[_culprit(wrong)].append(case.name)
            if arguments.verbose:
                print(f"{case.name}: {wrong}")
    for kind in sorted(total):
        print(f"{kind:24} {passed[kind]:5} of {total[kind]:5}")
    print(f"{'all':24} {passed.total():5} of {total.total():5} in {time.perf_counter() - start:.0f} s")
    for culprit, names in sorted(blame.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):5}  {culprit}  ({names[0]})")
    return 0


def _culprit(wrong: str) -> str:
    """The operator, layer or model type that has no lowering; else the kind of failure."""
    named = re.search(r"((?:op|layer|model type) '\w+')(?: \(iOS\d+\))?.*no lowering", wrong)
    return f"no lowering: {named[1]}" if named else re.sub(r"[\d.e+-]+", "#", wrong)[:110]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--nominal", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
