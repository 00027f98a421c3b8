"""``python -m paritygate.cli``.

Python puts the current folder first on ``sys.path`` for ``-m``: a module there could pass for one of a library's. It is
taken off before anything else is imported. What Python itself imports from there before this module runs (a
``paritygate.py``) can't be helped: ``paritygate``, or ``python -P -m paritygate.cli``, never looks there.
"""

from __future__ import annotations

import os
import sys

if not sys.flags.safe_path and sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  # pathlib would come from there
    del sys.path[0]

from .main import main

main()
