"""The app: page set-up, navigation, and the sidebar that all pages share."""

import streamlit as st

from pages.shared.frame.sidebar import sidebar
from pages.shared.learners import training_session
from pages.shared.streamlit_internals import looks_for_pages_by_file

at_first = looks_for_pages_by_file()
st.set_page_config(page_title="See meta-learning", page_icon="✍️", layout="wide")
PAGES = (  # folder and address, title, icon
    ("play", "Play", "stadia_controller"),
    ("lessons", "Lessons", "school"),
    ("episodes", "Episodes", "grid_view"),
    ("adapt", "Adapt", "trending_up"),
    ("draw", "Draw", "draw"),
    ("landscape", "Landscape", "landscape"),
    ("inside", "Inside MAML", "account_tree"),
    ("toy", "Toy world", "toys"),
    ("evaluate", "Evaluate", "analytics"),
    ("train", "Train", "model_training"),
)
page = st.navigation(
    [
        st.Page(
            f"pages/{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "play",
        )
        for name, title, icon in PAGES
    ]
)
# Looking for pages by file, Streamlit tells a new server's first visitor that the page of a link
# does not exist; by now it knows the pages.
if at_first:
    st.html("<script>location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()
# Here and not in each page: Streamlit keeps a URL parameter from page to page only if the
# main script draws its control.
sidebar()
if page.url_path != "train":
    training_session.show_in_sidebar()
page.run()
