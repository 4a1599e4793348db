"""One run of the app for a visitor: set-up, navigation, what all pages share, and the page."""

import streamlit as st

from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.fair_pool import name_callers_by
from maml_core.paths import ASSETS
from pages.shared.classroom.visitor import look_up
from pages.shared.frame.class_line import show_class
from pages.shared.frame.kept_work.tab import RELOAD, is_of_another_server, keep_work, restore_work
from pages.shared.frame.links.embedding import link_to_the_page, show_one_figure
from pages.shared.frame.links.former_addresses import follow_former_address
from pages.shared.frame.links.short_links import follow_short_link
from pages.shared.frame.navigation import FIRST_PAGE, PAGES
from pages.shared.frame.next_steps import draw_next_steps
from pages.shared.frame.sidebar import sidebar
from pages.shared.learners import training_session
from pages.shared.messages import show_error
from pages.shared.streamlit_internals import (
    answer_each_request,
    session_id,
)


def leave(script: str) -> None:
    """Have the browser leave this run's page; the element tells tests that it is about to."""
    st.html(
        f"<i class='leaving' hidden></i><script>{script}</script>", unsafe_allow_javascript=True
    )
    st.stop()


def run_app() -> None:
    """Draw the page that a visitor asks for."""
    answer_each_request()
    name_callers_by(session_id)  # each tab takes its turn
    st.set_page_config(page_title="See meta-learning", page_icon="✍️", layout="wide")
    try:
        worker_count()
    except ValueError as error:  # a setting of the server's, without which nothing can be computed
        show_error(error)
        st.stop()
    current = st.navigation(
        [
            st.Page(
                page.path,
                title=page.title,
                icon=f":material/{page.icon}:",
                url_path=page.address,
                default=page.name == FIRST_PAGE,
            )
            for page in PAGES
        ]
        # Streamlit knows the first page by the app's own address only; this answers to its name.
        + [st.Page(lambda: None, title="Play", url_path=FIRST_PAGE, visibility="hidden")]
    )
    if is_of_another_server():
        leave(RELOAD)
    if current.url_path == FIRST_PAGE:
        # By the browser, so that the way back does not lead here again.
        leave("location.replace(`./${location.search}`)")
    st.html(ASSETS / "style.css")
    name = current.url_path or FIRST_PAGE
    follow_short_link()
    follow_former_address(name)
    restore_work(name)
    look_up()
    # Here and not in each page: Streamlit keeps a URL parameter from page to page only if the
    # main script draws its control.
    sidebar(name)
    show_class(name)
    show_one_figure(name)
    if name != "train":
        training_session.show_in_sidebar()
    current.run()
    keep_work()
    draw_next_steps(name)
    link_to_the_page(name)
