"""Lets these tests import the helpers of the conversion's tests: pytest runs with --import-mode=importlib."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "convert" / "sklearn" / "helpers"))
