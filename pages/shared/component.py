"""What runs in the browser: the folders of `assets/components`, put together for Streamlit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from maml_core.paths import ASSETS

COMPONENTS = ASSETS / "components"
_SCRIPT_IMPORT = re.compile(
    r'^import \{\s*\w+(?:\s*,\s*\w+)*\s*,?\s*\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE
)
_STYLE_IMPORT = re.compile(r'^@import "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function |const |class )", re.MULTILINE)
# What the two patterns above leave standing: forms of import and export not understood here.
_NOT_UNDERSTOOD = re.compile(r"^(?:import\b|export (?!default )|@import\b).*", re.MULTILINE)


def component(name: str, **how: Any) -> Callable[..., Any]:
    """Return the mount of a component: `assets/components/<name>/<name>.html`, `.css` and `.js`.

    Args:
        name: Of the component and its folder.
        how: What else Streamlit is to know of it.
    """
    own = COMPONENTS / name / name
    return st.components.v2.component(
        f"maml_{name}",
        html=own.with_suffix(".html").read_text(encoding="utf-8"),
        css=joined(own.with_suffix(".css")),
        js=joined(own.with_suffix(".js")),
        **how,
    )


def joined(entry: Path) -> str:
    """Return a script or a style as one text, each file that it imports before the first user.

    Streamlit loads a component's script from memory, where a relative import leads nowhere. So
    the modules stand in one scope: no two of them may declare the same name.

    Args:
        entry: A `.js` or `.css` file. Imports look like `import { a, b } from "./file.js";` or
            `@import "../shared/file.css";`.

    Raises:
        ValueError: An import or export is written in another way.
    """
    pattern = _STYLE_IMPORT if entry.suffix == ".css" else _SCRIPT_IMPORT
    texts: dict[Path, str] = {}
    visited: set[Path] = set()

    def add(file: Path) -> None:
        if file in visited:
            return
        visited.add(file)
        text = file.read_text(encoding="utf-8")
        for path in pattern.findall(text):
            add((file.parent / path).resolve())
        text = _EXPORT.sub("", pattern.sub("", text))
        if left := _NOT_UNDERSTOOD.search(text):
            raise ValueError(f"{file.name}: cannot put this in one text: {left[0]}")
        texts[file] = text

    add(entry.resolve())
    return "\n".join(texts.values())
