"""Until a page is still."""

from __future__ import annotations

from playwright.sync_api import Page

# Before the first element comes there is a skeleton of one. A component's script is imported when
# the server has done, and draws then.
DONE = """
() => [...document.querySelectorAll('[data-testid="stMain"] [data-testid="stElementContainer"]')]
      .some(element => !element.querySelector('[data-testid*="keleton"]'))
    && !document.querySelector('.leaving')
    && !document.querySelector('[data-testid^="stBidiComponent"]:not([data-drawn])')
    && document.querySelector('[data-test-connection-state="CONNECTED"]')
    && document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
"""


def wait_until_done(page: Page) -> None:
    """Wait until nothing runs any more; before the page has connected nothing runs yet."""
    page.wait_for_function(DONE)


def wait_until_laid_out(page: Page, selector: str) -> None:
    """Wait until an element has kept its place and size for half a second: the sidebar slides."""
    page.wait_for_function(
        """selector => {
          const box = JSON.stringify(document.querySelector(selector)?.getBoundingClientRect());
          if (box !== window.lastBox) Object.assign(window, {lastBox: box, since: Date.now()});
          return box && Date.now() - window.since > 500;
        }""",
        arg=selector,
    )
