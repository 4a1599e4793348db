"""Two replicas behind the proxy of `deploy/`: visitors stay on one, and survive its end."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running_replicas import Replicas, installed_haproxy, running_replicas
from tests.support.browser_waiting import wait_until_done
from tests.support.pen import Strokes, by_mouse, cell

LINES = {"A1": [[(0.2, 0.8), (0.5, 0.2), (0.8, 0.8)]], "B1": [[(0.2, 0.2), (0.8, 0.8)]]}
CHANGED = "another one goes on here"


@pytest.fixture(scope="module")
def replicas(app_environment: dict[str, str]) -> Iterator[Replicas]:
    if installed_haproxy() is None:
        reason = "no HAProxy on this machine: install the package haproxy"
        if os.environ.get("REQUIRE_PROXY"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_replicas(2, app_environment) as running:
        yield running


@pytest.fixture
def two_visitors(replicas: Replicas, visitor: Callable[..., Page]) -> list[Page]:
    """Two visitors from one address, on one replica each, with an empty board."""
    if missing := {0, 1} - replicas.servers.keys():
        replicas.start(*missing)
    pages: dict[int | None, Page] = {}
    for _ in range(6):
        page = visitor(viewport={"width": 1440, "height": 900})
        page.goto(f"{replicas.url}/draw?n_way=2&q_query=1", wait_until="commit")
        pages.setdefault(replica_of(replicas, page), page)
        if len(pages) == 2:
            break
    for page in pages.values():
        expect(cell(page, "query").locator("canvas")).to_be_visible()
        wait_until_done(page)
    return [pages[0], pages[1]]


def replica_of(replicas: Replicas, page: Page) -> int | None:
    (cookie,) = (one for one in page.context.cookies() if one["name"] == "replica")
    return replicas.replica_of(cookie["value"])


def draw(page: Page, name: str, lines: Strokes | None = None) -> None:
    by_mouse(page, name, lines or LINES[name])
    expect(cell(page, name).locator(".seen")).to_have_attribute("src", re.compile("png"))
    wait_until_done(page)


def saved_board(page: Page) -> dict[str, Any]:
    """Return the board as the server has it."""
    with page.expect_download() as download:
        page.locator(".st-key-save_board button").click()
    content: dict[str, Any] = json.loads(Path(download.value.path()).read_bytes())
    return content


def inked(board: Mapping[str, Any]) -> list[bool]:
    """Say of each row whether it has strokes."""
    return [bool(row[0]["strokes"]) for row in board["support"]]


def fetch(url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_a_cookie_leads_to_one_replica_whatever_the_address(replicas: Replicas) -> None:
    cookies: set[str] = set()
    end = time.monotonic() + 60  # a busy replica answers the proxy's first checks late
    while len(cookies) < 2 and time.monotonic() < end:
        _, headers, _ = fetch(replicas.url)
        assert "httponly" in headers["Set-Cookie"].lower()
        (cookie,) = re.findall(r"replica=(\w+)", headers["Set-Cookie"])
        cookies.add(cookie)
    leads_to = {cookie: {replicas.replica_of(cookie) for _ in range(8)} for cookie in cookies}
    assert sorted(map(sorted, leads_to.values())) == [[0], [1]]


def test_metrics_are_closed_and_scripts_are_compressed(replicas: Replicas) -> None:
    server = replicas.servers[0].url
    status, _, metrics = fetch(f"{server}/_stcore/metrics")
    assert (status, b"active_sessions" in metrics) == (200, True)
    for path in (
        "/_stcore/metrics",
        "/_stcore/metrics?families=session_events",
        "/_stcore/metrics/",
        "//_stcore/metrics",
        "/_stcore//metrics",
        "/_stcore/%6detrics",
        "/%5Fstcore/metrics",
        "/_stcore/./metrics",
        "/_stcore/x/../metrics",
        "/_STCORE/METRICS",
        "/_stcore/%256detrics",
    ):
        _, _, told = fetch(replicas.url + path)
        assert b"active_sessions" not in told, path
    (script,) = set(re.findall(rb'src="\.?(/static/js/index[^"]+)"', fetch(server)[2]))
    _, plain, expected = fetch(server + script.decode(), **{"Accept-Encoding": "gzip"})
    _, headers, content = fetch(replicas.url + script.decode(), **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain, "otherwise the proxy need not do it"
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(content) == expected
    assert len(content) < len(expected) / 2


def test_uploads_and_downloads_reach_the_replica_of_their_visitor(
    replicas: Replicas, two_visitors: list[Page], tmp_path: Path
) -> None:
    files = []
    for page, name in zip(two_visitors, LINES, strict=True):
        draw(page, name)
        board = saved_board(page)
        assert inked(board) == [one == name for one in LINES]
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(board))
    for page, file in zip(two_visitors, reversed(files), strict=True):
        loaded = cell(page, file.stem)
        expect(loaded).not_to_have_class(re.compile("inked"))
        page.locator(".st-key-load_board button").click()
        page.locator("input[type=file]").set_input_files(file)
        expect(loaded).to_have_class(re.compile("inked"))
        wait_until_done(page)
        assert saved_board(page) == json.loads(file.read_text())
    assert [replica_of(replicas, page) for page in two_visitors] == [0, 1]


def wait_until_kept(environment: Mapping[str, str], board: Mapping[str, Any]) -> None:
    """Wait until a board is on the disk: a replica that is killed sooner loses its last strokes."""
    folder = Path(environment["MAML_DATA_DIR"], "kept-work")
    strokes, end = board["support"][0][0]["strokes"], time.monotonic() + 60
    while not any(
        json.loads(file.read_bytes())["cells"].get("A1", {}).get("strokes") == strokes
        for file in folder.glob("*/board.json")
    ):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_visitors_outlive_a_killed_replica_and_then_the_restart_of_the_other(
    replicas: Replicas, two_visitors: list[Page], app_environment: Mapping[str, str]
) -> None:
    here, there = two_visitors
    draw(here, "A1", [[(0.25, 0.25), (0.75, 0.75)]])  # as in no other test: it is looked for
    draw(there, "B1")
    wait_until_kept(app_environment, saved_board(here))
    replicas.kill(0)
    expect(here.locator(".st-key-notices")).to_contain_text(CHANGED)
    wait_until_done(here)
    assert replica_of(replicas, here) == 1
    assert inked(saved_board(here)) == [True, False]
    assert inked(saved_board(there)) == [False, True]
    expect(there.locator(".st-key-notices")).to_have_count(0)
    replicas.start(0)
    draw(here, "B1")
    draw(there, "A1")
    boards = [saved_board(page) for page in two_visitors]
    assert list(map(inked, boards)) == [[True, True], [True, True]]
    here.locator(".st-key-notices_read button").click()
    expect(here.locator(".st-key-notices")).to_have_count(0)
    replicas.stop(1)  # at once: what was drawn last is written when it ends
    for page, board in zip(two_visitors, boards, strict=True):
        expect(page.locator(".st-key-notices")).to_contain_text(CHANGED)
        wait_until_done(page)
        assert replica_of(replicas, page) == 0
        assert saved_board(page) == board
