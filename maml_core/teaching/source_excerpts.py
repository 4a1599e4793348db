"""The engine's own source as pages show it: read from the running code, never a copy."""

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
class Excerpt:
    """The body of a function.

    Attributes:
        name: The function's.
        file: Where it stands, from the folder that holds the package.
        first_line: The number that the first of `lines` has in that file.
        lines: Its source after the docstring, indented as little as possible.
    """

    name: str
    file: str
    first_line: int
    lines: tuple[str, ...]

    def where(self, parts: Sequence[str]) -> tuple[int, ...]:
        """Return the positions in `lines` of the lines that hold one of some texts, in order.

        Raises:
            ValueError: A text is in none of the lines, or in several.
        """
        found = []
        for part in parts:
            at = [number for number, line in enumerate(self.lines) if part in line]
            if len(at) != 1:
                raise ValueError(
                    f"{part!r} is in {len(at)} lines of {self.name}; name a text of one line."
                )
            found += at
        return tuple(sorted(found))


def body_of(function: Callable[..., Any]) -> Excerpt:
    """Read a function's body, without its signature and docstring, from its file."""
    source, first = inspect.getsourcelines(function)
    (definition,) = ast.parse(textwrap.dedent("".join(source))).body
    assert isinstance(definition, ast.FunctionDef)
    begin = definition.body[1 if ast.get_docstring(definition) else 0].lineno
    path = Path(inspect.getsourcefile(function) or "").resolve()
    return Excerpt(
        name=function.__name__,
        file=path.relative_to(PROJECT.resolve()).as_posix(),
        first_line=first + begin - 1,
        lines=tuple(textwrap.dedent("".join(source[begin - 1 :])).rstrip().splitlines()),
    )
