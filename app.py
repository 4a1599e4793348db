"""The app: page set-up and navigation; nothing else."""

import streamlit as st

st.set_page_config(page_title="See meta-learning", page_icon="✍️", layout="wide")
st.navigation(
    [
        st.Page("pages/episodes.py", title="Episodes", icon=":material/grid_view:", default=True),
        st.Page("pages/adapt.py", title="Adapt", icon=":material/trending_up:"),
    ]
).run()
