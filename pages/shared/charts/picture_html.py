"""Pictures in HTML, in either theme: characters as black ink on white paper, others as they are."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from io import BytesIO
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image

from maml_core.data.character_set import CharacterSet

MAX_KEPT = 1024  # encoded pictures of a set, of 0.5 kB, or 20 in colour
GROUP = 5  # pictures that stay in one row
STYLE = """
<style>
.characters { display: flex; flex-wrap: wrap; gap: 4px; }
/* Pictures wrap in groups of up to five, so that no row has a single one: 5 + 5, not 9 + 1. */
.characters > div { display: flex; gap: 4px; max-width: 100%; }
.characters span {
  position: relative; display: block; width: 4rem; min-width: 0; line-height: 0; border-radius: 4px;
}
.characters.small span { width: 2.6rem; }
.characters img {
  width: 100%; box-sizing: border-box; background: white; border-radius: 4px;
  border: 1px solid #8884;
}
.characters span:focus { outline: 2px solid #0072B2; }
.characters span:is(:hover, :focus)::after {
  content: attr(data-tip); position: absolute; left: 0; top: 100%; z-index: 10; width: max-content;
  max-width: 16rem; padding: 4px 8px; border-radius: 4px; font-size: 0.8rem; line-height: 1.3;
  background: #222; color: white; pointer-events: none;
}
</style>
"""


# Of each set that is in use, by a picture's number: nothing here may keep a visitor's pictures.
_PNGS: WeakKeyDictionary[CharacterSet, dict[int, str]] = WeakKeyDictionary()


def _png(data: CharacterSet, picture: int) -> str:
    known = _PNGS.setdefault(data, {})
    if len(known) >= MAX_KEPT:
        known.clear()
    if picture not in known:
        known[picture] = _encoded(data, picture)
    return known[picture]


def _encoded(data: CharacterSet, picture: int) -> str:
    buffer = BytesIO()
    if data.bits is not None:
        shown = Image.frombytes("1", (data.side, data.side), (~data.bits[picture]).tobytes())
    else:
        found = data.picture(picture)
        shown = Image.fromarray(255 - found if found.ndim == 2 else np.moveaxis(found, 0, -1))
    shown.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels_uri(pixels: np.ndarray) -> str:
    """Return pixels, uint8 [height, width] or [height, width, 3], as a data URI."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def data_uri(data: CharacterSet, picture: int) -> str:
    """Return a full-size picture as a data URI."""
    return f"data:image/png;base64,{_png(data, picture)}"


def caption(data: CharacterSet, picture: int) -> str:
    """Return a picture's alphabet, character and drawer, or its number where none is known."""
    name = data.classes[data.class_of(picture)]
    who = "drawer" if data.has_drawers else "picture"
    return f"{name}, {who} {data.drawer_of(picture)}"


def picture_strip(data: CharacterSet, pictures: Iterable[int], *, small: bool = False) -> str:
    """Return HTML for a row of pictures; hovering or tapping one says what it is."""
    cells = []
    for picture in pictures:
        words = html.escape(caption(data, picture), quote=True)
        # -1: a tap focuses it and shows its caption, the Tab key does not stop at each.
        cells.append(
            f'<span tabindex="-1" data-tip="{words}">'
            f'<img src="{data_uri(data, picture)}" alt="{words}"></span>'
        )
    groups = "".join(f"<div>{''.join(group)}</div>" for group in _even_groups(cells))
    return f'<div class="characters{" small" if small else ""}">{groups}</div>'


def _even_groups(cells: list[str]) -> list[list[str]]:
    """Divide a row into as few groups of up to `GROUP` as possible, of about the same size."""
    n_groups = -(-len(cells) // GROUP)
    ends = [len(cells) * (i + 1) // n_groups for i in range(n_groups)]
    return [cells[start:end] for start, end in zip([0, *ends], ends, strict=False)]
