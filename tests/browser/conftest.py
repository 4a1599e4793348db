"""A real Chromium on the real app, with the built-in glyphs."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.running_app import (
    CHROMIUM_ARGUMENTS,
    installed_chromium,
    running_app,
)

PATIENCE_MS = 120_000  # two cores may have other things to do


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = installed_chromium()
    if found is None:
        reason = "no Chromium on this machine: install the package chromium"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app_environment(tmp_path_factory: pytest.TempPathFactory, glyph_folder: Path) -> dict[str, str]:
    """A server's environment: no Omniglot, and the glyphs drawn before a test's clock runs."""
    environment = {name: value for name, value in os.environ.items() if name != "OMNIGLOT_DIR"}
    data_dir = tmp_path_factory.mktemp("app_data")
    # Not the folder: another worker may be writing a file there that is gone in a moment.
    shutil.copy(glyph_folder / "glyphs.npz", data_dir)
    environment["MAML_DATA_DIR"] = str(data_dir)
    return environment


@pytest.fixture(scope="session")
def app_url(app_environment: dict[str, str]) -> Iterator[str]:
    with running_app(app_environment) as url:
        yield url


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return how somebody else's page is made: with cookies, a size and a scheme of its own."""
    contexts = []

    def make(**options: object) -> Page:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(visitor: Callable[..., Page]) -> Page:
    return visitor(viewport={"width": 1440, "height": 900})


@pytest.fixture
def stranger(visitor: Callable[..., Page]) -> Page:
    """Somebody who was sent a link."""
    return visitor()


@pytest.fixture
def phone(visitor: Callable[..., Page]) -> Page:
    return visitor(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")


@pytest.fixture
def phones(visitor: Callable[..., Page]) -> list[Page]:
    """Two phones, one dark and one light."""
    size = {"width": 390, "height": 844}
    return [
        visitor(viewport=size, has_touch=True, is_mobile=True, color_scheme=scheme)
        for scheme in ("dark", "light")
    ]
