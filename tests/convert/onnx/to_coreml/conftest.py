"""Lets the tests of this folder import their helpers and the fixtures: pytest runs with --import-mode=importlib."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[3])]
