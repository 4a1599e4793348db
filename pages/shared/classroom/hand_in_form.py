"""A form that a pupil fills in and hands in, on any page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pages.shared.classroom.store import database
from pages.shared.component import component

if TYPE_CHECKING:
    from maml_core.classroom.membership import Pupil

CHANGEABLE = "Handed in. You can change it until your teacher shows what came out."
_mount = component("hand_in_form")


def hand_in_form(
    pupil: Pupil,
    kind: str,
    subject: str,
    fields: Sequence[dict[str, Any]],
    *,
    key: str,
    said: str = CHANGEABLE,
    closed: str = "",
) -> Any:
    """Draw a form; its button hands in what it holds.

    Args:
        pupil: Whose it is.
        kind: One of `hand_ins.MAX_BYTES`.
        subject: What it is about.
        fields: As `hand_in_form.js` has them; of a single one with an empty name the value is
            handed in, else an object with a value for each name.
        key: Of the component.
        said: What is said once it is handed in.
        closed: Why nothing can be handed in any more; empty: it can.

    Returns:
        What the server has of it; None: nothing yet.
    """
    from maml_core.classroom.hand_ins import own_content

    handed = own_content(database(), pupil, kind, subject)
    _mount(
        key=key,
        data={
            "handIn": {"who": pupil.id, "kind": kind, "subject": subject},
            "fields": list(fields),
            "handed": handed,
            "open": said,
            "closed": closed,
        },
        on_revealed_change=lambda: None,
    )
    return handed
