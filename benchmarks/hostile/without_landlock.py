"""Take Landlock away from this process and all that it starts, as on a system that lacks it.

With it, a worker can't write a mark even if hostile code runs in it, so the measurement would see nothing: what is
measured is the checks alone. A filter of system calls lets the kernel deny that it knows Landlock.
"""

from __future__ import annotations

import ctypes
import struct
import sys

_CREATE_RULESET = 444
_NOT_IMPLEMENTED = 38
_LOAD_NUMBER, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_SET_NO_NEW_PRIVILEGES, _SET_FILTER, _FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def take_landlock_away() -> None:
    """Not to be undone. Raises OSError where the kernel refuses; does nothing but on Linux."""
    if sys.platform != "linux":
        return
    steps = (
        (_LOAD_NUMBER, 0, 0, 0),
        (_IF_EQUAL, 0, 1, _CREATE_RULESET),
        (_RETURN, 0, 0, _ERROR | _NOT_IMPLEMENTED),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    library = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), code)
    if library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or library.prctl(
        _SET_FILTER, _FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
