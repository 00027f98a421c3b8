"""What the lists of libraries and formats promise: extras that install them, modules and classes that exist."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from paritygate.validate.engines.libraries import LIBRARIES, Library
from paritygate.validate.engines.registry import FORMATS, Format, RuntimeEntry

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
EXTRAS = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
RUNTIMES = {f"{format.name}, {runtime.name}": runtime for format in FORMATS for runtime in format.runtimes}


def distributions(extra: str) -> set[str]:
    """The names of what an extra lists itself; "" is the base install."""
    return {re.split(r"[<>=!~\[ ]", requirement)[0] for requirement in EXTRAS[extra]}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.module)
def test_the_extra_of_a_library_installs_it(library: Library) -> None:
    assert distributions(library.extra) & set(library.distributions)


def test_everything_in_an_extra_is_a_known_library() -> None:
    known = {name for library in LIBRARIES for name in library.distributions} | {"paritygate"}
    listed = set().union(*(distributions(extra) for extra in EXTRAS if extra not in ("", "dev")))
    assert listed <= known


def test_the_extra_all_holds_every_extra() -> None:
    (requirement,) = EXTRAS["all"]
    assert set(re.findall(r"\w+", requirement)) - {"paritygate"} == EXTRAS.keys() - {"", "all", "dev"}


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
def test_a_runtime_is_complete(runtime: RuntimeEntry) -> None:
    """Its engine has a ``load``, its libraries are in the list that ``doctor`` shows, and its extra exists."""
    assert callable(importlib.import_module(runtime.engine).load)
    assert set(runtime.libraries) <= set(LIBRARIES)
    assert runtime.extra in EXTRAS


def test_names_and_suffixes_name_one_format() -> None:
    names = Counter(name for format in FORMATS for name in (format.name, *format.suffixes, *format.classes))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("format", [format for format in FORMATS if format.classes], ids=lambda format: format.name)
def test_the_classes_of_a_format_are_in_modules_that_exist(format: Format) -> None:
    """Read from the modules' files: importing all frameworks into one process would take long."""
    for path in format.classes:
        module, _, name = path.rpartition(".")
        origin = _file_of(module)
        if origin.suffix == ".py":
            assert re.search(rf"^\s*class {name}\b", origin.read_text(), re.MULTILINE), path


def _file_of(module: str) -> Path:
    """The file of a module, found without importing its package."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent.joinpath(*rest[:-1])
    (found,) = sorted(folder.glob(f"{rest[-1]}.py")) or sorted(folder.glob(f"{rest[-1]}*.so"))
    return found
