"""Drawing on the Draw page of a real browser."""

from __future__ import annotations

from itertools import pairwise

from playwright.sync_api import Locator, Page

Strokes = list[list[tuple[float, float]]]


def cell(page: Page, name: str) -> Locator:
    return page.locator(f'figure[data-name="{name}"]')


def by_mouse(page: Page, name: str, strokes: Strokes) -> None:
    canvas = cell(page, name).locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=6)
        page.mouse.up()


def by_touch(page: Page, name: str, strokes: Strokes) -> None:
    canvas = cell(page, name).locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [
            {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y} for x, y in points
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for stroke in strokes:
        touch("touchStart", stroke[0])
        for (x0, y0), (x1, y1) in pairwise(stroke):
            for k in range(1, 7):
                touch("touchMove", (x0 + (x1 - x0) * k / 6, y0 + (y1 - y0) * k / 6))
        touch("touchEnd")
    session.detach()
