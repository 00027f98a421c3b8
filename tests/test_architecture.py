"""The borders of the rooms, read from the syntax trees, and what start-up may import."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from paritygate.validate.engines.libraries import LIBRARIES

ROOT = Path(__file__).parent.parent
PARTS = ("api", "cli", "convert", "gate", "targets", "validate")
FRAMEWORKS = {
    library.module for library in LIBRARIES if library.extra not in ("", "data", "cluster", "targets", "signing")
}
WHERE_FRAMEWORKS_MAY_BE_IMPORTED = (
    "validate/engines/",
    "validate/localise/trace/",
    "convert/routes/",
    "convert/quantize/",
)
WHERE_ONNXRUNTIME_MAY_BE_IMPORTED = (
    "validate/engines/",
    "validate/coreml/runtime.py",
    "validate/coreml/folding.py",
    "convert/quantize/onnx_models.py",
)
START_UP = {"click", "paritygate"}
"""What ``paritygate --help`` may import in addition to the standard library."""

MOST_FILES = 20
"""Modules in one folder: more than fit on a screen are no longer read as a list."""


@cache
def modules() -> Mapping[str, Path]:
    """Dotted name (without ``paritygate``) -> file."""
    found = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            words = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(words[:-1] if words[-1] == "__init__" else words)] = path
    return found


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of ``known`` that a module imports anywhere: deferred imports and those for types count."""
    package = name.removeprefix("api") if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("paritygate.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base


def _base(node: ast.ImportFrom, package: str) -> str:
    module = (node.module or "").removeprefix("paritygate.")
    if not node.level:
        return module
    words = package.split(".")
    return ".".join([*words[: len(words) - node.level + 1], *([module] if module else [])]).lstrip(".")


@cache
def graph() -> Mapping[str, frozenset[str]]:
    known = modules()
    return {name: frozenset(set(imports(name, path, known)) & known.keys() - {name}) for name, path in known.items()}


def cycles(edges: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """The groups of modules that lead to one another (Tarjan, Depth-first search and linear graph algorithms, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in edges[node]:
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_the_public_names_come_from_both_packages() -> None:
    assert {name.split(".")[0] for name in graph()["api"]} == {"convert", "validate"}


def test_no_modules_import_one_another() -> None:
    assert cycles(graph()) == []


def test_the_search_for_cycles_finds_one() -> None:
    edges = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"b"}), "d": frozenset({"a"})}
    assert cycles(edges) == [["b", "c"]]


def test_no_folder_holds_too_many_modules() -> None:
    folders = [path.parent for path in modules().values() if path.name != "__init__.py"]
    assert {str(f.relative_to(ROOT)): folders.count(f) for f in set(folders) if folders.count(f) > MOST_FILES} == {}


LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(f"validate.{name}" for name in names.split())
    for names in (
        "public errors signature events text",
        "catalog foreign guard user_code onnx_graphs paths sample_formats limits files samples.options samples.types",
        "guides engines.libraries engines.registry",
        "options",
        "keywords",
        "detect doctor engines coreml engines.elsewhere",
        "samples",
        "weights",
        "trees",
        "adapters workers",
        "report",
        "noise",
        "coverage verdict.evidence verdict.policy",
        "expectations",
        "verdict",
        "tasks",
        "search localise",
        "elsewhere",
        "conclude",
        "session",
        "api",
        "selftest",
    )
)
"""The rooms of ``validate``, lowest first: a room imports from its own layer and from those below."""

UPWARDS = {
    ("validate.options", "validate.verdict.policy"),
    ("validate.keywords", "validate.verdict.policy"),
    ("validate.coreml.runtime", "validate.engines.base"),
}
"""Imports from a higher layer, for types alone."""


def layer(module: str) -> int:
    """The layer of the most special room that a module is in."""
    rooms = [(len(room), n) for n, names in enumerate(LAYERS) for room in names if f"{module}.".startswith(f"{room}.")]
    return max(rooms)[1]


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("validate.")])
def test_rooms_of_validate_import_downwards(module: str) -> None:
    targets = [name for name in graph()[module] if name != "validate"]
    assert {(module, name) for name in targets if layer(name) > layer(module)} <= UPWARDS


ALLOWED = {
    "api": {"convert", "validate"},
    "cli": {"cli", "gate", "targets", "convert", "validate"},
    "gate": {"gate", "targets", "convert", "validate"},
    "targets": {"targets", "convert", "validate"},
    "convert": {"convert", "validate"},
    "validate": {"validate"},
}


@pytest.mark.parametrize("module", modules())
def test_arrow_points_from_cli_to_gate_to_targets_to_convert_to_validate(module: str) -> None:
    assert {name.split(".")[0] for name in graph()[module]} <= ALLOWED[module.split(".")[0]]


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("validate.verdict")])
def test_the_verdict_reads_no_file_and_runs_no_model(module: str) -> None:
    assert not absolute_imports(modules()[module]) & {"os", "pathlib", "hashlib", "platform", "subprocess", "tempfile"}
    assert not {name for name in graph()[module] if name.startswith(("validate.engines", "validate.workers"))}


def absolute_imports(path: Path) -> set[str]:
    """Top names of a module's absolute imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", modules().values(), ids=lambda path: str(path.relative_to(ROOT)))
def test_frameworks_stay_behind_their_border(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    names = absolute_imports(path)
    if not where.startswith(WHERE_FRAMEWORKS_MAY_BE_IMPORTED):
        assert not names & FRAMEWORKS
    if not where.startswith(WHERE_ONNXRUNTIME_MAY_BE_IMPORTED):
        assert "onnxruntime" not in names


def test_border_test_sees_a_breach(tmp_path: Path) -> None:
    breach = tmp_path / "breach.py"
    breach.write_text("def f():\n    import torch.nn\n    from tensorflow import io\n")
    assert absolute_imports(breach) == {"torch", "tensorflow"}


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
        "paritygate.validate.trees.tree",
    } < loaded
    assert not {"onnx", "skl2onnx", "paritygate.convert.routes.sklearn.onnx"} & loaded
    for path in paths:  # imports within functions as well
        assert not absolute_imports(path) & {"onnx", "skl2onnx"}
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        siblings = {(node.module or node.names[0].name).split(".")[0] for node in nodes if node.level == 2}
        assert siblings <= {"models"}


def test_every_package_ships_with_the_wheel() -> None:
    """A folder with Python files that pyproject.toml doesn't list would be missing from the wheel."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {".".join(path.relative_to(ROOT).parts[:-1]) for path in modules().values()}
    assert {"paritygate" if folder == "api" else f"paritygate.{folder}" for folder in folders} == listed


TESTS_LONGER = 400
"""Lines of a test file: a longer one holds more than one theme."""


def files_of_tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def test_no_test_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files_of_tests()}
    assert {name: length for name, length in lengths.items() if length > 1.1 * TESTS_LONGER} == {}


def test_no_test_imports_a_benchmark() -> None:
    assert [path for path in files_of_tests() if "benchmarks" in absolute_imports(path)] == []
