"""Run one scanner over many files, in the scanners' own environment: ``python scan.py TOOL < paths > lines of JSON``.

Nothing of paritygate is imported here. A line is ``[path, verdict, detail]``, the verdict "flagged", "nothing found" or
"not read" (an error, or a file that the tool passes over).
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

Verdict = tuple[str, str]
FLAGGED, CLEAN, UNREAD = "flagged", "nothing found", "not read"


def picklescan(path: str) -> Verdict:
    """As ``picklescan -p`` does: its status 1 is flagged, 2 an error."""
    from picklescan.scanner import scan_directory_path, scan_file_path

    found = (scan_directory_path if Path(path).is_dir() else scan_file_path)(path)
    names = ", ".join(f"{each.module}.{each.name}" for each in found.globals if each.safety.value == "dangerous")
    if found.issues_count:
        return FLAGGED, names
    if found.scan_err:
        return UNREAD, "scan error"
    return (CLEAN, "") if found.scanned_files else (UNREAD, "passed over")


def modelscan(path: str) -> Verdict:
    """As ``modelscan -p`` does: flagged if there is any issue, whatever its severity."""
    from modelscan.modelscan import ModelScan
    from modelscan.settings import DEFAULT_SETTINGS

    tool = ModelScan(settings=DEFAULT_SETTINGS)
    tool.scan(path)
    issues = tool.issues.all_issues
    if issues:
        return FLAGGED, ", ".join(str(issue.details.operator) for issue in issues)
    if tool.errors:
        return UNREAD, "; ".join(str(error) for error in tool.errors)
    return (CLEAN, "") if tool.scanned else (UNREAD, "passed over")


def fickling(path: str) -> Verdict:
    """As its scan of a repository does: each pickle, and those in zip files; flagged above "likely safe"."""
    from fickling.loader import scan_file, scan_zip_archive

    results = []
    files = [Path(path)] if Path(path).is_file() else sorted(Path(path).rglob("*"))
    for file in filter(Path.is_file, files):
        if zipfile.is_zipfile(file):
            results += scan_zip_archive(str(file), graceful=True).values()
        else:
            results.append(scan_file(str(file), graceful=True))
    if any(result.results and not result.is_safe for result in results):
        return FLAGGED, ", ".join(result.severity.name for result in results)
    errors = [result.errors[0] for result in results if result.errors]
    if errors or not results:
        return UNREAD, errors[0] if errors else "passed over"
    return CLEAN, ""


TOOLS: dict[str, Callable[[str], Verdict]] = {"picklescan": picklescan, "modelscan": modelscan, "fickling": fickling}


def main() -> None:
    """Scan the paths on standard input one after the other; each result is written before the next path is read."""
    scan = TOOLS[sys.argv[1]]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the tools print is no result
    for line in sys.stdin:
        path = line.rstrip("\n")
        try:
            verdict, detail = scan(path)
        except Exception as error:  # noqa: BLE001  # whatever a tool raises is its result
            verdict, detail = "crashed", f"{type(error).__name__}: {error}"
        print(json.dumps([path, verdict, detail[:300]]), file=out, flush=True)


if __name__ == "__main__":
    main()
