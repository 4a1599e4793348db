"""The command of whoever runs the server for its classes: `import-boards`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from maml_core.classroom import database_url
from maml_core.classroom.boards import import_boards
from maml_core.classroom.database import DatabaseError, open_database
from maml_core.classroom.membership import ClassError, class_of_code
from maml_core.data.registry import drawings_root


def import_from_folder(parsed: argparse.Namespace) -> None:
    """Put the boards of a folder into the class of a code; print the names that they got.

    Raises:
        ClassError: No class has this code, or there is no board in the folder.
        DatabaseError: The database of classes cannot be reached.
        OSError: A board cannot be read.
    """
    folder = parsed.folder or drawings_root()
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ClassError(f"There is no board, '*.json', in {folder}; name another --folder.")
    try:
        engine = open_database(database_url())
        try:
            names, refused = _import(engine, parsed.code, paths)
        finally:
            engine.dispose()
    except OperationalError as error:
        raise DatabaseError(f"The database of classes cannot be reached: {error.orig}") from error
    for sentence in refused:
        print(sentence, file=sys.stderr)
    print(f"Imported {len(names)} of {len(paths)} boards.")
    for name in names:
        print(name)


def _import(engine: Engine, code: str, paths: list[Path]) -> tuple[list[str], list[str]]:
    found = class_of_code(engine, code)
    if found is None:
        raise ClassError(f"No class has the code {code!r}; compare it with its page.")
    return import_boards(engine, found, ((path.name, path.read_bytes()) for path in paths))
