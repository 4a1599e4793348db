"""Tables of pictures and their classes, as people's programs write CSV."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

from maml_core.data.character_set import DataError

COLUMNS = ("filename", "label")
DELIMITERS = (",", ";", "\t")
MAX_TABLE_BYTES = 20_000_000  # mini-ImageNet's largest has 1.3 million
MAX_SHOWN = 80  # letters of a header


class TableRow(NamedTuple):
    """A line of a table: where it ends, a picture's file and its class."""

    line: int
    filename: str
    label: str


def read_table(content: bytes, where: str) -> Iterator[TableRow]:
    """Yield the rows of a table: UTF-8 or, with its mark, UTF-16, with any line ends.

    Its columns are in any order, separated by commas, semicolons or tabs; capitals and spaces
    around the names do not matter.

    Args:
        content: The file, of unknown origin.
        where: What to call it in messages.

    Raises:
        DataError: It is not such a table; the message says what it has instead.
    """
    text = _decoded(content, where)
    try:
        delimiter, filename, label = _columns(text, where)
        rows = _reader(text, delimiter)
        next(rows)
        is_empty = True
        for row in rows:
            if not any(value.strip() for value in row):
                continue
            values = [row[at].strip() if at < len(row) else "" for at in (filename, label)]
            if not all(values):
                raise DataError(
                    f"Line {rows.line_num} of {where} lacks a filename or a label; complete it or "
                    "take it out."
                )
            is_empty = False
            yield TableRow(rows.line_num, values[0].replace("\\", "/"), values[1])
        if is_empty:
            raise DataError(
                f"{where} names no picture below its first line; name some or take it out."
            )
    except csv.Error as error:
        raise DataError(f"{where} cannot be read as a table ({error}); save it anew.") from error


def _decoded(content: bytes, where: str) -> str:
    if len(content) > MAX_TABLE_BYTES:
        raise DataError(
            f"{where} has {len(content):,} bytes; a table has at most {MAX_TABLE_BYTES:,}."
        )
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where} is not text in UTF-8 (its byte {error.start + 1:,} is none); save it as "
            "“CSV UTF-8”."
        ) from error


def _reader(text: str, delimiter: str):  # type: ignore[no-untyped-def]  # csv's type has no name
    # `newline=None` makes a line end of each kind '\n'; csv refuses a lone carriage return.
    return csv.reader(StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True)


def _columns(text: str, where: str) -> tuple[str, int, int]:
    """Return what separates a table's columns, and the places of the two that are read."""
    for delimiter in DELIMITERS:
        header = [name.strip().casefold() for name in next(_reader(text, delimiter), [])]
        if all(header.count(name) == 1 for name in COLUMNS):
            return delimiter, header.index(COLUMNS[0]), header.index(COLUMNS[1])
    first = "".join(c if c.isprintable() else " " for c in text.partition("\n")[0][:MAX_SHOWN])
    raise DataError(
        f"{where} lacks the columns filename and label, separated by commas, semicolons or tabs: "
        f"its first line is “{first.strip()}”. Name the two there, each once."
    )
