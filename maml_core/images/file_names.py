"""Files of unknown origin in zips and folders: what their names say, and how a bad zip fails."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

# What zipfile raises for damaged, encrypted or unsupported members.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".gif")
# What macOS, Windows and network drives put beside people's files, in small letters.
SYSTEM_NAMES = {
    "__macosx", ".ds_store", ".localized", ".spotlight-v100", ".trashes", ".fseventsd", "icon\r",
    "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "@eadir",
}  # fmt: skip
APPLE_DOUBLE = "._"  # how names begin that hold a file's attributes where there is no room for them
UTF8_FLAG = 0x800  # of a zip's member: its name is in UTF-8 (APPNOTE.TXT, 4.4.4)
UNICODE_PATH = 0x7075  # the extra field that repeats a name in UTF-8 (APPNOTE.TXT, 4.6.9)


def is_picture(path: str) -> bool:
    """Say whether a file's name is one of a kind of picture that is read."""
    return path.lower().endswith(PICTURE_SUFFIXES)


def is_system_file(path: str) -> bool:
    """Say whether a path is of a file that a system left behind, not one of the person's."""
    parts = PurePosixPath(path).parts
    return any(p.lower() in SYSTEM_NAMES or p.startswith(APPLE_DOUBLE) for p in parts)


def printable(name: str) -> str:
    """Return a name as it can be shown, a � for each character that steers and shows nothing."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name)


def member_path(info: zipfile.ZipInfo) -> str:
    r"""Return the path of a zip's member, with '/' between its parts; of a folder one at its end.

    Windows' PowerShell 5 writes '\' between them. macOS writes UTF-8 without the flag that says
    so, and other programs repeat the name in UTF-8; other bytes are read as the standard says, in
    code page 437.
    """
    name = info.orig_filename
    if not name.isascii() and not info.flag_bits & UTF8_FLAG:
        raw = name.encode("cp437")  # what zipfile decoded
        name = _unicode_path(info.extra, raw) or _as_utf8(raw) or name
    return name.partition("\0")[0].replace("\\", "/")


def is_name_certain(info: zipfile.ZipInfo) -> bool:
    """Say whether a zip tells how the name of a member is written; else it may look wrong."""
    name = info.orig_filename
    if name.isascii() or info.flag_bits & UTF8_FLAG:
        return True
    raw = name.encode("cp437")
    return bool(_unicode_path(info.extra, raw) or _as_utf8(raw))


def _as_utf8(raw: bytes) -> str:
    """Return a name in UTF-8, empty if it is not: text of another code hardly ever is by chance."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """Return the name that the extra field for it holds, empty if there is none for this name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        # The checksum says that no program has changed the other name since.
        if kind == UNICODE_PATH and field[:5] == b"\1" + zlib.crc32(raw).to_bytes(4, "little"):
            return _as_utf8(field[5:])
    return ""
