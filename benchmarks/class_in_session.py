"""A class and its projector: how long a hand-in takes, how far behind the projector is, who waits.

    python -m benchmarks.class_in_session
    DATABASE_URL=postgresql://… python -m benchmarks.class_in_session --replicas 2

Forty pupils open a round of Play, each as a session of Streamlit's own protocol over a websocket,
and ask every two seconds what their class is asked to do, as their browsers do. Within the same ten
seconds each answers the ten questions: each answer is handed in with those before it, and has the
board drawn again. Then all hand in a drawing within ten seconds. A visitor outside the class opens
pages meanwhile, and did so alone before.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests

from benchmarks.running_app import running_server
from benchmarks.running_replicas import running_replicas
from benchmarks.simulated_visitors.tab import Tab
from maml_core.classroom.names import NAMES

QUESTIONS = 10
SUBJECT = "play|{dataset}|test|20-way|3"
BOARD = "game"  # the key of Play's
ASK_SECONDS = 2.0
BOARD_BYTES = 60_000  # of a board of five rows and three columns
OUTSIDER_PAGES = ("episodes", "adapt", "draw")
ROUNDS_ALONE, ROUNDS_MEANWHILE = 5, 12
PATIENCE_SECONDS = 60.0


class Person:
    """Somebody with cookies of their own, who speaks with the server about their class."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def post(self, what: str, said: object) -> dict[str, str]:
        """Say something; return the answer."""
        address = f"{self.url}/class/{what}"
        try:
            answer = self.session.post(address, json=said, timeout=PATIENCE_SECONDS)
        except requests.ConnectionError:  # a connection kept too long; browsers ask again, too
            answer = self.session.post(address, json=said, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    def ask(self) -> None:
        """Ask what the class is asked to do."""
        self.session.get(f"{self.url}/class/now?place=play", timeout=PATIENCE_SECONDS)

    @property
    def cookies(self) -> dict[str, str]:
        """All that the server has set."""
        return dict(self.session.cookies.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    with _server(options.replicas) as url:
        asyncio.run(measure(url, options.pupils, options.seconds, options.dataset))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pupils", type=int, default=40, help="in the class (40)")
    parser.add_argument("--seconds", type=float, default=10, help="in which all hand in (10)")
    parser.add_argument("--dataset", default="omniglot", help="of the round (omniglot)")
    parser.add_argument("--replicas", type=int, help="servers behind one proxy (one, without)")
    return parser


@contextmanager
def _server(replicas: int | None) -> Iterator[str]:
    if replicas:
        with running_replicas(replicas) as running:
            yield running.url
    else:
        with running_server() as server:
            yield server.url


async def measure(url: str, n_pupils: int, seconds: float, dataset: str) -> None:
    """Hold a class, and print what its people and an outsider waited for."""
    teacher, pupils = Person(url), [Person(url) for _ in range(n_pupils)]
    code = teacher.post("start", {})["code"]
    for pupil, name in zip(pupils, NAMES, strict=False):
        pupil.post("join", {"code": code, "name": name})
    alone = await _opened_by_outsider(url, ROUNDS_ALONE)
    tabs = [
        Tab(url, "", f"seed=3&mode=20-way&_={n}", cookies=p.cookies) for n, p in enumerate(pupils)
    ]
    projector = Projector(Tab(url, "classroom", cookies=teacher.cookies))
    began = time.perf_counter()
    await asyncio.gather(*(tab.open(PATIENCE_SECONDS) for tab in [*tabs, projector.tab]))
    print(f"{n_pupils} pages of Play and the projector: {time.perf_counter() - began:.1f} s")
    asking = [asyncio.create_task(_ask_again(pupil)) for pupil in pupils]
    watching = asyncio.create_task(projector.tab.watch(4 * seconds))
    subject = SUBJECT.format(dataset=dataset)
    for kind, about, contents in (
        ("play", subject, [[0] * (n + 1) for n in range(QUESTIONS)]),
        ("board", "board", ["x" * BOARD_BYTES]),
    ):
        outside = asyncio.create_task(_opened_by_outsider(url, ROUNDS_MEANWHILE))
        parts = await asyncio.gather(
            *(
                _hand_in(pupil, tab, kind, about, contents, seconds)
                for pupil, tab in zip(pupils, tabs, strict=True)
            )
        )
        ended = time.perf_counter()
        _print(f"{kind}: hand-in", [handed for part in parts for handed, _ in part])
        _print(f"{kind}: own board drawn again", [drawn for part in parts for _, drawn in part])
        for page, found in (await outside).items():
            ratio = statistics.median(found) / statistics.median(alone[page])
            _print(f"{kind}: {page}, by an outsider ({ratio:.2f} times as alone)", found)
        if kind == "play":
            lag = await projector.seconds_behind(n_pupils, ended)
            print(f"{kind}: the projector shows all of them {lag:.1f} s after the last")
    for task in [*asking, watching]:
        task.cancel()
    await asyncio.gather(*asking, watching, return_exceptions=True)
    await asyncio.gather(*(tab.close() for tab in [*tabs, projector.tab]))
    faults = [fault for tab in [*tabs, projector.tab] for fault in tab.faults]
    print(f"faults: {len(faults)}", *faults[:3])


class Projector:
    """The teacher's page, and when it first showed that so many have finished."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self._shown: dict[int, float] = {}
        tab.on_message = self._look

    def _look(self, content: bytes) -> None:
        for count in re.findall(rb"mean of (\d+) who finished", content):
            self._shown.setdefault(int(count), time.perf_counter())

    async def seconds_behind(self, count: int, ended: float) -> float:
        """Wait until it shows so many; return how long after a moment that was."""
        end = time.perf_counter() + PATIENCE_SECONDS
        while count not in self._shown and time.perf_counter() < end:
            await asyncio.sleep(0.05)
        return self._shown.get(count, float("inf")) - ended


async def _hand_in(
    pupil: Person, tab: Tab, kind: str, subject: str, contents: Sequence[object], seconds: float
) -> list[tuple[float, float]]:
    """Hand in one version after the other, and have the board drawn again after each.

    Returns:
        How long each took.
    """
    pause, found = seconds / len(contents), []
    board = tab.find(BOARD)
    for content in contents:
        after = pause * random.random()
        await asyncio.sleep(after)
        version = time.time_ns() // 10**6
        said = {"kind": kind, "subject": subject, "content": content, "version": version}
        began = time.perf_counter()
        await asyncio.to_thread(pupil.post, "hand-in", said)
        handed = time.perf_counter() - began
        drawn = await tab.rerun(board.fragment if board else "", patience=PATIENCE_SECONDS)
        found.append((handed, PATIENCE_SECONDS if drawn is None else drawn))
        await asyncio.sleep(max(0.0, pause - after - handed - found[-1][1]))
    return found


async def _ask_again(pupil: Person) -> None:
    await asyncio.sleep(ASK_SECONDS * random.random())
    while True:
        await asyncio.to_thread(pupil.ask)
        await asyncio.sleep(ASK_SECONDS)


async def _opened_by_outsider(url: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds until pages were drawn, by page, one after the other."""
    found: dict[str, list[float]] = {page: [] for page in OUTSIDER_PAGES}
    for number in range(rounds):
        for page in OUTSIDER_PAGES:
            tab = Tab(url, page, f"seed={1_000 + number + int(time.time())}")
            found[page].append(await tab.open(PATIENCE_SECONDS) or PATIENCE_SECONDS)
            await tab.close()
    return found


def _print(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{what}: p50 {statistics.median(ordered):.2f} s, p95 {late:.2f} s, n = {len(ordered)}")


if __name__ == "__main__":
    main()
