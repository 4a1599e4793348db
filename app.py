"""The app: page set-up, navigation, and the sidebar that all pages share."""

import streamlit as st

from pages.shared import live
from pages.shared.frame import THROUGH_APP
from pages.shared.sidebar import sidebar

st.session_state[THROUGH_APP] = True
st.set_page_config(page_title="See meta-learning", page_icon="✍️", layout="wide")
page = st.navigation(
    [
        st.Page("pages/play.py", title="Play", icon=":material/stadia_controller:", default=True),
        st.Page("pages/lessons.py", title="Lessons", icon=":material/school:"),
        st.Page("pages/episodes.py", title="Episodes", icon=":material/grid_view:"),
        st.Page("pages/adapt.py", title="Adapt", icon=":material/trending_up:"),
        st.Page("pages/draw.py", title="Draw", icon=":material/draw:"),
        st.Page("pages/landscape.py", title="Landscape", icon=":material/landscape:"),
        st.Page("pages/inside.py", title="Inside MAML", icon=":material/account_tree:"),
        st.Page("pages/toy.py", title="Toy world", icon=":material/toys:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/analytics:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
    ]
)
# Here and not in each page: Streamlit keeps a URL parameter from page to page only if the
# main script draws its control.
sidebar()
if page.url_path != "train":
    live.line()
page.run()
