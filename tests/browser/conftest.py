"""A real Chromium on the real app, with the built-in glyphs."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60
PATIENCE_MS = 120_000  # two cores may have other things to do
# No sandbox: continuous integration runs as root. The rest keeps Chromium off the network.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
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
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "OMNIGLOT_DIR"}
    environment["MAML_DATA_DIR"] = str(tmp_path_factory.mktemp("app_data"))
    # Drawn before the clock of the first test runs.
    prepare = [sys.executable, "-m", "maml_core", "data", "prepare"]
    subprocess.run(prepare, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    log = tmp_path_factory.mktemp("app_log") / "log"
    run = [sys.executable, "-m", "streamlit", "run", "app.py"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*run, "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"http://localhost:{port}/_stcore/health", server, log)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)


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


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The app did not start:\n{log.read_text()}")
