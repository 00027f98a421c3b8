"""Names of arrays as names in an .npz file: safe wherever the file is listed or unpacked, and reversible.

Most names stay what they are. What remains is percent-encoded as in an address (``urllib.parse.unquote`` reads it):
control and other invisible characters, ``%``, backslashes, a slash at either end or next to another, ``.`` and ``..``
between slashes, and a last ``.npy``, which numpy takes for the member's own suffix. The name of length 0 is ``%``.
"""

from __future__ import annotations

from urllib.parse import unquote

from ..errors import ParityGateError

_LONGEST = 60_000  # bytes; the zip format has room for 65,535 with the rest of the member's name
_SUFFIX = ".npy"
_EMPTY = "%"


def member_name(name: str) -> str:
    """The name of a member, without its suffix. Raises ParityGateError PG205 for one that is too long."""
    text = "/".join(map(_part, "".join(map(_character, name)).split("/")))
    if text.startswith("/"):
        text = "%2F" + text[1:]
    if text.endswith("/"):
        text = text[:-1] + "%2F"
    text = text.replace("//", "/%2F")
    if text.endswith(_SUFFIX):
        text = text.removesuffix(_SUFFIX) + "%2Enpy"
    if len(text.encode()) > _LONGEST:
        raise ParityGateError("PG205", f"'{text[:40]}...'", f"a name of {len(name):,} characters can't be stored")
    return text or _EMPTY


def array_name(member: str) -> str:
    """The name that :func:`member_name` was given."""
    return "" if member == _EMPTY else unquote(member, errors="surrogatepass")


def _character(character: str) -> str:
    if character.isprintable() and character not in "%\\":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


def _part(part: str) -> str:
    """A part between slashes: one of dots only would lead out of the folder that the file is unpacked in."""
    return part.replace(".", "%2E") if part in (".", "..") else part
