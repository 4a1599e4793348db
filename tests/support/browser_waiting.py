"""Until a page is still."""

from __future__ import annotations

from itertools import count

from playwright.sync_api import Page

# In the place of an element whose own script is loading there is a skeleton. A component's script
# is imported when the server has done, and draws then; the app's own style comes by a script that
# Streamlit loads when it first needs it.
DONE = """
() => document.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
    && !document.querySelector('[data-testid="stMain"] [data-testid*="keleton"]')
    && !document.querySelector('.leaving')
    && !document.querySelector('[data-testid^="stBidiComponent"]:not([data-drawn])')
    && [...document.querySelectorAll('style')].some(style => style.textContent.includes('.qr-code'))
    && document.querySelector('[data-test-connection-state="CONNECTED"]')
    && document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
"""


# An address changes a moment before the page shows that it runs: done is what stays done.
STAYS_DONE = f"""
call => {{
  if (window.waiting?.call !== call || !({DONE})())
    window.waiting = {{ call, since: performance.now() }};
  return performance.now() - window.waiting.since > 100;
}}
"""
_calls = count()


def wait_until_done(page: Page) -> None:
    """Wait until nothing runs any more; before the page has connected nothing runs yet."""
    page.wait_for_function(STAYS_DONE, arg=next(_calls))


def wait_until_laid_out(page: Page, selector: str) -> None:
    """Wait until an element has kept its place and size for half a second: the sidebar slides."""
    page.locator(selector).first.evaluate(
        """async element => {
          let last, since;
          do {
            const box = JSON.stringify(element.getBoundingClientRect());
            if (box !== last) [last, since] = [box, Date.now()];
            await new Promise(requestAnimationFrame);
          } while (Date.now() - since <= 500);
        }"""
    )
