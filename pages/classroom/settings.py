"""What a teacher decides about their class, and its end."""

from __future__ import annotations

import streamlit as st

from maml_core.classroom.membership import ClassRecord, delete_class, leave, pupils_of, set_options
from pages.shared.classroom.store import database, kept_days


def draw_class_settings(taught: ClassRecord) -> None:
    """Draw the teacher's choices."""
    st.subheader("This class", anchor=False)
    st.toggle(
        "Show a ranking by name",
        value=taught.options["ranking"],
        key="class_ranking",
        on_change=lambda: set_options(
            database(), taught.id, ranking=st.session_state["class_ranking"]
        ),
    )
    st.toggle(
        "Show names beside written answers",
        value=taught.options["names"],
        key="class_names",
        on_change=lambda: set_options(database(), taught.id, names=st.session_state["class_names"]),
    )
    _draw_putting_out(taught)
    st.caption(
        f"A class is deleted with everything in it {kept_days():g} days after its last use, or "
        "at once:"
    )
    with st.popover("Delete this class", icon=":material/delete:"):
        st.markdown("All that was handed in is gone then, and nobody can bring it back.")
        st.button(
            "Delete it now",
            key="delete_class",
            type="primary",
            on_click=lambda: delete_class(database(), taught.id),
        )


def _draw_putting_out(taught: ClassRecord) -> None:
    """Let the teacher end somebody's part in the class: a stranger's, or one of two tabs'."""
    with st.popover("Put somebody out", icon=":material/person_remove:"):
        by_name = {pupil.name: pupil for pupil in pupils_of(database(), taught.id)}
        name = st.selectbox("Who?", list(by_name), None, key="put_out_name")
        st.caption("What they handed in stays, and can be taken out. They can join again.")
        st.button(
            "Put out",
            key="put_out",
            disabled=name is None,
            on_click=lambda: leave(database(), by_name[name]) if name in by_name else None,
        )
