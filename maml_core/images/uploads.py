"""Uploaded files of unknown origin for the rows of a board: one file or one folder per class.

A zip is read in memory, entry by entry and never unpacked to disk, so that names in it that lead
elsewhere (`../`) have nowhere to lead; they are refused all the same.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from threading import Lock

import numpy as np

from maml_core.images.decoding import (
    MAX_FILE_BYTES,
    MAX_TOTAL_PIXELS,
    PictureError,
    count_pixels,
    too_many_pixels,
)
from maml_core.images.file_names import ZIP_ERRORS, is_system_file, member_path
from maml_core.images.handwriting import to_character

MAX_FILES = 50  # what the largest board holds
MAX_ENTRIES = 1_000  # of a zip, folders and what is passed over included
MAX_UNPACKED_BYTES = 50_000_000  # of a zip; it is all in memory at once

# A photograph of 25 million pixels takes 100 MB while it is read: one at a time for all sessions.
_reading = Lock()


@dataclass(frozen=True)
class Upload:
    """An uploaded file: its name, in a folder perhaps, and its bytes."""

    name: str
    content: bytes

    @property
    def folder(self) -> str:
        """The name of the folder it lies in, empty if in none."""
        return PurePosixPath(self.name).parent.name

    @property
    def is_zip(self) -> bool:
        """Whether its name says that it is a zip."""
        return self.name.lower().endswith(".zip")


def character_from_file(upload: Upload) -> np.ndarray:
    """Return the character in a picture file, uint8 [105, 105]; 255 is ink.

    Raises:
        PictureError: It cannot be read, or there is no ink.
    """
    name = upload.name[-80:]
    if len(upload.content) > MAX_FILE_BYTES:
        raise PictureError(
            f"{name} has {len(upload.content):,} bytes; make it smaller, to "
            f"{MAX_FILE_BYTES:,} at most."
        )
    with _reading:
        return to_character(upload.content, name)


def read_zip(upload: Upload, most: int = MAX_FILES) -> tuple[list[Upload], list[str]]:
    """Return the files in a zip in the order of their names, and a sentence for each bad entry.

    Args:
        upload: The zip.
        most: Files it may hold, folders and what systems leave behind not counted.

    Raises:
        PictureError: It is not a zip, or damaged, a bomb, or holds no files or too many.
    """
    try:
        with zipfile.ZipFile(BytesIO(upload.content)) as archive:
            entries = archive.infolist()
            _check_count(len(entries), upload.name, MAX_ENTRIES)
            wanted = [entry for entry in entries if _is_wanted(entry)]
            if not wanted:
                raise PictureError(f"{upload.name} holds no files; choose another zip.")
            _check_count(len(wanted), upload.name, most)
            _check_size(wanted, upload)
            return _read_entries(archive, sorted(wanted, key=member_path), upload.name)
    except ZIP_ERRORS as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(
            f"{upload.name} is not a zip, or a damaged one; pack the pictures anew."
        ) from error


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = member_path(entry)
    is_folder = path.endswith("/") or not PurePosixPath(path).parts
    return not is_folder and not is_system_file(path)


def _check_count(count: int, name: str, most: int) -> None:
    if count > most:
        raise PictureError(
            f"{name} holds {count:,} files; choose at most {most:,}. Nothing of it was taken."
        )


def _check_size(entries: Sequence[zipfile.ZipInfo], upload: Upload) -> None:
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED_BYTES:
        raise PictureError(
            f"{upload.name} would unpack to {size:,} bytes from {len(upload.content):,}; choose "
            f"smaller pictures, {MAX_UNPACKED_BYTES:,} bytes in all. Nothing of it was taken."
        )


def _read_entries(
    archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], name: str
) -> tuple[list[Upload], list[str]]:
    files, refused = [], []
    for entry in entries:
        path = PurePosixPath(member_path(entry))
        where = f"{str(path)[-80:]} in {name}"
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            refused.append(f"{where} leads out of the zip; pack the folder anew.")
        elif entry.flag_bits & 1:
            refused.append(f"{where} is encrypted; pack it without a password.")
        elif entry.file_size > MAX_FILE_BYTES:
            refused.append(
                f"{where} has {entry.file_size:,} bytes; make it smaller, to "
                f"{MAX_FILE_BYTES:,} at most."
            )
        else:
            try:
                with archive.open(entry) as file:
                    # Never more than it says that it has: a bomb may lie.
                    files.append(Upload(path.as_posix(), file.read(entry.file_size)))
            except ZIP_ERRORS:
                refused.append(f"{where} is damaged; pack it anew.")
    return files, refused


def without_system_files(files: Sequence[Upload]) -> list[Upload]:
    """Return the files of a folder without what systems leave behind, as `read_zip` does."""
    return [file for file in files if not is_system_file(file.name)]


def group_into_rows(files: Sequence[Upload]) -> list[list[Upload]]:
    """Return the rows of a board: a folder is a class where there are folders, else a file is.

    Files outside of folders are classes of their own, after the folders. Both are in the order
    of their names.
    """
    folders: dict[str, list[Upload]] = {}
    for file in sorted(files, key=lambda file: file.name):
        folders.setdefault(file.folder or file.name, []).append(file)
    alone = [rows for name, rows in folders.items() if not rows[0].folder]
    return [rows for rows in folders.values() if rows[0].folder] + alone


def characters_from_rows(
    rows: Sequence[Sequence[Upload]], n_way: int, k_shot: int
) -> tuple[list[list[np.ndarray]], list[str]]:
    """Return the characters in the files of each row, and a sentence for each bad one.

    Args:
        rows: As `group_into_rows` gives them.
        n_way: Rows that the board has; more are refused as a whole.
        k_shot: Cells of a row; further good files of a row are left out and said.

    Raises:
        PictureError: More rows than the board has, or too many pixels in all.
    """
    if len(rows) > n_way:
        raise PictureError(
            f"There are {len(rows)} classes, one file or folder each, but the board has {n_way} "
            "rows; choose fewer, or raise N in the sidebar. Nothing was taken."
        )
    _check_pixels([file for row in rows for file in row])
    characters: list[list[np.ndarray]] = []
    refused: list[str] = []
    for row in rows:
        found = []
        for file in row:
            try:
                found.append(character_from_file(file))
            except PictureError as error:
                refused.append(str(error))
            if len(found) == k_shot and file is not row[-1]:
                refused.append(
                    f"{file.folder} holds {len(row)} pictures for a row of {k_shot}: those after "
                    f"{file.name} were left out; raise K in the sidebar for more."
                )
                break
        characters.append(found)
    return characters, refused


def _check_pixels(files: Sequence[Upload]) -> None:
    """Refuse pictures that would take long to decode, before any of them is."""
    total = 0
    for file in files:
        with suppress(PictureError):  # it is refused by its name
            total += count_pixels(file.content, file.name)
    if total > MAX_TOTAL_PIXELS:
        raise PictureError(f"{too_many_pixels('These')} Nothing was taken.")
