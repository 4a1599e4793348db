"""Each page through Streamlit's own test runner."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.settings import DEFAULTS

TIMEOUT = 60
PAGES = ("pages/episodes.py", "pages/adapt.py")


def open_page(path: str, **query: str) -> AppTest:
    at = AppTest.from_file("../../app.py", default_timeout=TIMEOUT)
    at.query_params.update(query)
    at.run()
    return at.switch_page(path).run()


@pytest.mark.parametrize("path", PAGES)
def test_opens_with_the_defaults(path: str) -> None:
    at = open_page(path)
    assert not at.exception
    assert not at.error
    assert at.sidebar.slider(key="n_way").value == DEFAULTS["n_way"]
