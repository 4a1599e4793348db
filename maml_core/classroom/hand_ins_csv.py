"""All that a class handed in, as one table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from maml_core.classroom.hand_ins import HandIn

HEAD = ("name", "kind", "about", "content", "handed_in_at", "taken_out")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute, or run


def hand_ins_csv(handed_in: Iterable[HandIn]) -> str:
    """Return one line for each thing; times are UTC, in ISO 8601.

    What begins like a spreadsheet's formula begins with an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEAD)
    for one in handed_in:
        content = one.content
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        when = datetime.fromtimestamp(one.handed_in_at, UTC).isoformat(timespec="seconds")
        row = (one.name, one.kind, one.subject, text, when, str(one.is_taken_out).lower())
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row])
    return buffer.getvalue()
