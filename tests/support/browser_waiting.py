"""Until a page is still."""

from __future__ import annotations

from playwright.sync_api import Page


def wait_until_done(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def wait_until_laid_out(page: Page, selector: str) -> None:
    """Wait until an element has kept its place and size for half a second: the sidebar slides."""
    page.wait_for_function(
        """selector => {
          const box = JSON.stringify(document.querySelector(selector).getBoundingClientRect());
          if (box !== window.lastBox) Object.assign(window, {lastBox: box, since: Date.now()});
          return Date.now() - window.since > 500;
        }""",
        arg=selector,
    )
