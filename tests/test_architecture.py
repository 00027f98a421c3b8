"""The house's borders, read from the syntax trees, and what start-up may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("cli", "convert", "validate")
FRAMEWORKS = {"tensorflow", "keras", "torch", "sklearn", "tf2onnx", "skl2onnx", "xgboost", "lightgbm", "catboost"}
WHERE_FRAMEWORKS_MAY_BE_IMPORTED = ("validate/engines/", "validate/localise/trace/", "convert/routes/")
WHERE_ONNXRUNTIME_MAY_BE_IMPORTED = ("validate/engines/", "validate/coreml/runtime.py", "validate/coreml/folding.py")
START_UP = {"click", "paritygate"}
"""What ``paritygate --help`` may import beside the standard library."""


def modules() -> list[Path]:
    return [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]


def imported(path: Path, *, absolute: bool) -> set[str]:
    """Top names of absolute imports, or the packages that relative imports lead to."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import) and absolute:
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            if absolute and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
            if not absolute:
                names |= _package(path, node)
    return names


def _package(path: Path, node: ast.ImportFrom) -> set[str]:
    """The part of the house (cli, convert, validate) that a from-import names."""
    if node.level == 0:
        words = (node.module or "").split(".")
        return {words[1]} if words[0] == "paritygate" and len(words) > 1 else set()
    inside = path.relative_to(ROOT).parts
    above = inside[: len(inside) - node.level]
    return {[*above, *(node.module or node.names[0].name).split(".")][0]}


ALLOWED = {"cli": {"cli", "convert", "validate"}, "convert": {"convert", "validate"}, "validate": {"validate"}}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrow_points_from_cli_to_convert_to_validate(path: Path) -> None:
    part = path.relative_to(ROOT).parts[0]
    assert imported(path, absolute=False) <= ALLOWED[part]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_frameworks_stay_behind_their_border(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    names = imported(path, absolute=True)
    if not where.startswith(WHERE_FRAMEWORKS_MAY_BE_IMPORTED):
        assert not names & FRAMEWORKS
    if not where.startswith(WHERE_ONNXRUNTIME_MAY_BE_IMPORTED):
        assert "onnxruntime" not in names


def test_border_test_sees_a_breach(tmp_path: Path) -> None:
    breach = tmp_path / "breach.py"
    breach.write_text("def f():\n    import torch.nn\n    from tensorflow import io\n")
    assert imported(breach, absolute=True) == {"torch", "tensorflow"}


@pytest.mark.parametrize("command", [["--help"], ["convert", "--help"], ["explain", "PG101"]])
def test_start_up_imports_nothing_heavy(command: list[str]) -> None:
    script = f"import sys; sys.argv = ['paritygate', *{command!r}]\nfrom paritygate.cli.main import main\n"
    script += (
        "try:\n    main()\nfinally:\n    print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    standard = set(sys.stdlib_module_names) | {"__main__", "sitecustomize"}
    assert {n for n in loaded - standard - START_UP if not n.startswith(("_", "__editable__"))} == set()


def test_the_native_core_ml_route_for_estimators_imports_no_onnx() -> None:
    """Neither do the models that it shares with the route to ONNX; what they import counts as well."""
    folder = ROOT / "convert" / "routes" / "sklearn"
    paths = [path for room in ("coreml", "models") for path in sorted((folder / room).glob("*.py"))]
    names = [".".join(("paritygate", *path.relative_to(ROOT).with_suffix("").parts)) for path in paths]
    script = f"import sys\nfrom importlib import import_module\nfor name in {names!r}:\n    import_module(name)\n"
    script += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {
        "paritygate.convert.routes.sklearn.coreml.registry",
        "paritygate.convert.routes.sklearn.models.trees",
    } < loaded
    assert not {"onnx", "skl2onnx", "paritygate.convert.routes.sklearn.onnx"} & loaded
    for path in paths:  # imports within functions as well
        assert not imported(path, absolute=True) & {"onnx", "skl2onnx"}
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        siblings = {(node.module or node.names[0].name).split(".")[0] for node in nodes if node.level == 2}
        assert siblings <= {"models"}


def test_every_package_ships_with_the_wheel() -> None:
    """A folder with Python files that pyproject.toml doesn't list would be missing from the wheel."""
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {"paritygate." + ".".join(path.relative_to(ROOT).parts[:-1]) for path in modules()}
    assert there == listed
