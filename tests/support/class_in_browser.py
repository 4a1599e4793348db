"""A teacher and pupils in browsers of their own."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

SOON_MS = 10_000  # for a line that comes within three seconds on a machine with nothing else to do


def start_class(teacher: Page, app_url: str) -> tuple[str, str]:
    """Start a class; return its code and the teacher's private link."""
    teacher.goto(f"{app_url}/classroom")
    teacher.locator(".begin").click()
    expect(teacher.locator(".once")).to_be_visible()
    link = teacher.locator(".secret").input_value()
    teacher.locator(".on").click()
    code = teacher.locator(".class-code").inner_text().replace(" ", "")
    wait_until_done(teacher)
    return code, link


def join_class(pupil: Page, app_url: str, code: str) -> str:
    """Join a class by its link; return the name that was taken."""
    pupil.goto(f"{app_url}/classroom?join={code}")
    name = pupil.locator(".offered label").nth(1)
    name.click()
    said = name.inner_text()
    pupil.locator(".enter").click()
    expect(pupil.locator(".line .who")).to_have_text(f"You are the {said}")
    wait_until_done(pupil)
    return said


def lead_here(teacher: Page) -> None:
    """Lead everybody to the page that the teacher looks at."""
    teacher.get_by_role("button", name="Lead everybody here").click()
    expect(teacher.locator(".st-key-lead")).to_contain_text("Your class is led to this page.")


def go_where_led(pupil: Page) -> None:
    """Follow the class's line to where the teacher leads everybody."""
    go = pupil.locator(".line .go")
    go.click(timeout=SOON_MS)
    expect(go).to_be_hidden()
    wait_until_done(pupil)
