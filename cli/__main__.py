"""``python -m paritygate.cli``."""

from .main import main

main()
