"""The app. The server reads this file once, for what it answers to, then in each visitor's run."""

import streamlit as st

from pages.shared.streamlit_internals import is_run_of_a_page, know_pages_by_navigation

if is_run_of_a_page():
    from pages.shared.frame.app_run import run_app

    run_app()
else:
    from pages.shared.classroom.routes import ROUTES
    from pages.shared.frame.kept_work.server_end import lifespan

    know_pages_by_navigation()
    app = st.App(__file__, routes=ROUTES, lifespan=lifespan)
