"""Lets the tests of this folder import their helpers and the fixtures: pytest runs with --import-mode=importlib."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))
sys.path.append(str(Path(__file__).parents[3]))  # where the fixtures are, if pytest isn't run as a module
