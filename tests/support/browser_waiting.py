"""Until a page is still."""

from __future__ import annotations

from playwright.sync_api import Page


def wait_until_done(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
