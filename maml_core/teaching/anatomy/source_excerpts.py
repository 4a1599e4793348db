"""The core's own source as pages show it: read from the running code, never a copy."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maml_core.paths import PROJECT


@dataclass(frozen=True)
class SourceExcerpt:
    """The body of a function.

    Attributes:
        name: The function's.
        file: Its path, relative to the project's folder.
        first_line: Line number of the first of `lines` in that file.
        lines: Its source after the docstring, indented as little as possible.
    """

    name: str
    file: str
    first_line: int
    lines: tuple[str, ...]

    def positions_of(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Return the positions in `lines` of the lines that contain one of some texts, in order.

        Raises:
            ValueError: A text is in none of the lines, or in several.
        """
        positions = []
        for text in texts:
            matches = [number for number, line in enumerate(self.lines) if text in line]
            if len(matches) != 1:
                raise ValueError(
                    f"{text!r} is in {len(matches)} lines of {self.name}; name a text of one line."
                )
            positions += matches
        return tuple(sorted(positions))


def body_of(function: Callable[..., Any]) -> SourceExcerpt:
    """Read a function's body, without its signature and docstring, from its file."""
    source, first = inspect.getsourcelines(function)
    (definition,) = ast.parse(textwrap.dedent("".join(source))).body
    if not isinstance(definition, ast.FunctionDef):
        raise TypeError(f"{function!r} is not defined by `def`; its source has no body to show.")
    begin = definition.body[1 if ast.get_docstring(definition) else 0].lineno
    path = Path(inspect.getsourcefile(function) or "").resolve()
    return SourceExcerpt(
        name=function.__name__,
        file=path.relative_to(PROJECT.resolve()).as_posix(),
        first_line=first + begin - 1,
        lines=tuple(textwrap.dedent("".join(source[begin - 1 :])).rstrip().splitlines()),
    )
