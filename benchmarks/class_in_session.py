"""A class and its projector: how long a hand-in takes, how far behind the projector is, who waits.

    python -m benchmarks.class_in_session
    DATABASE_URL=postgresql://… python -m benchmarks.class_in_session --replicas 2

Forty pupils open a round of Play, each as a session of Streamlit's own protocol over a websocket,
and ask every two seconds what their class is asked to do, as their browsers do. Within the same ten
seconds each answers the ten questions: each answer is handed in with those before it, and has the
board drawn again. Then all draw: a character in each of five rows, and the board is handed in. A
visitor outside the class opens pages meanwhile, and did so alone before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import requests
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.running_app import running_server
from benchmarks.running_replicas import running_replicas
from benchmarks.simulated_visitors.tab import Tab
from maml_core.classroom.boards import NO_ACTIVITY
from maml_core.classroom.names import NAMES
from maml_core.figures.style import class_letter
from maml_core.images.board import Board, board_to_json, cell_from_strokes

QUESTIONS = 10
SUBJECT = "play|{dataset}|test|20-way|3"
ASK_SECONDS = 2.0
ROWS, STROKES, POINTS = 5, 4, 60  # of a board; a finger gives so many points a second
SHOWN = {  # how the projector says how many have done it
    "play": rb"mean of (\d+) who finished",
    "board": rb"Make \*Our class\* of (\d+) boards",
}
Waits = tuple[list[float], list[float]]
OUTSIDER_PAGES = ("episodes", "adapt", "draw")
ROUNDS = 15
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
    teacher, people = Person(url), [Person(url) for _ in range(n_pupils)]
    code = teacher.post("start", {})["code"]
    for person, name in zip(people, NAMES, strict=False):
        person.post("join", {"code": code, "name": name})
    # In a process of their own: the forty of this one wait for each other's Python.
    outsider = ProcessPoolExecutor(1, get_context("spawn"))
    open_pages = partial(asyncio.get_running_loop().run_in_executor, outsider, open_all, url)
    alone = await open_pages(ROUNDS)
    pupils = [
        Pupil(
            number, person, Tab(url, "", f"seed=3&mode=20-way&_={number}", cookies=person.cookies)
        )
        for number, person in enumerate(people)
    ]
    projector = Projector(Tab(url, "classroom", cookies=teacher.cookies))
    tabs = [*(pupil.tab for pupil in pupils), projector.tab]
    began = time.perf_counter()
    await asyncio.gather(*(tab.open(PATIENCE_SECONDS) for tab in tabs))
    print(f"{n_pupils} pages of Play and the projector: {time.perf_counter() - began:.1f} s")
    asking = [asyncio.create_task(_ask_again(person)) for person in people]
    for kind in ("play", "board"):
        if kind == "board":
            await asyncio.gather(*(pupil.tab.go_to("draw") for pupil in pupils))
            await projector.turn_to("Drawings")
        watching = asyncio.create_task(projector.tab.watch(PATIENCE_SECONDS))
        outside = open_pages(ROUNDS)
        subject = SUBJECT.format(dataset=dataset)
        parts = await asyncio.gather(
            *(
                pupil.play(subject, seconds) if kind == "play" else pupil.draw(seconds)
                for pupil in pupils
            )
        )
        ended = time.perf_counter()
        _print(f"{kind}: hand-in", [one for handed, _ in parts for one in handed])
        _print(f"{kind}: own page drawn again", [one for _, drawn in parts for one in drawn])
        behind = await projector.seconds_behind(kind, n_pupils, ended)
        print(f"{kind}: the projector shows all of them {behind:.1f} s after the last")
        for page, found in (await outside).items():
            ratio = statistics.median(found) / statistics.median(alone[page])
            _print(f"{kind}: {page}, by an outsider ({ratio:.2f} times as alone)", found)
        watching.cancel()
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.gather(*(tab.close() for tab in tabs))
    outsider.shutdown()
    faults = [fault for tab in tabs for fault in tab.faults]
    print(f"faults: {len(faults)}", *faults[:3])


@dataclass
class Pupil:
    """Somebody of the class, with a tab; what they do returns what they waited for.

    That is a pair of lists of seconds: for what was handed in, and for the page after a change.
    """

    number: int
    person: Person
    tab: Tab

    async def play(self, subject: str, seconds: float) -> Waits:
        """Answer the questions of a round one by one; the board is drawn again after each."""
        board, handed, drawn = self.tab.find("game"), [], []
        for count in range(1, QUESTIONS + 1):
            pause = asyncio.create_task(asyncio.sleep(seconds / QUESTIONS))
            await asyncio.sleep(seconds / QUESTIONS * random.random())
            handed.append(await self._hand_in("play", subject, [0] * count))
            drawn.append(await self._redraw(board.fragment if board else ""))
            await pause
        return handed, drawn

    async def draw(self, seconds: float) -> Waits:
        """Draw a character in each row of the board, then hand it in."""
        drawn, board = [], _board(self.number)
        for label, row in enumerate(board.support):
            pause = asyncio.create_task(asyncio.sleep(seconds / (ROWS + 1)))
            await asyncio.sleep(seconds / (ROWS + 1) * random.random())
            pads = self.tab.find("board_pads")
            assert pads is not None, "Draw shows no pads"
            edit = {"version": 0, "strokes": row[0].strokes, "keep": False}
            value = json.dumps({"ink": {f"{class_letter(label)}1": edit}})
            drawn.append(
                await self._redraw(pads.fragment, WidgetState(id=pads.id, json_value=value))
            )
            await pause
        content = json.loads(board_to_json(board))
        await asyncio.sleep(seconds / (ROWS + 1) * random.random())
        return [await self._hand_in("board", NO_ACTIVITY, content)], drawn

    async def _hand_in(self, kind: str, subject: str, content: object) -> float:
        version = time.time_ns() // 10**6
        said = {"kind": kind, "subject": subject, "content": content, "version": version}
        began = time.perf_counter()
        await asyncio.to_thread(self.person.post, "hand-in", said)
        return time.perf_counter() - began

    async def _redraw(self, fragment: str, changed: WidgetState | None = None) -> float:
        took = await self.tab.rerun(fragment, changed, patience=PATIENCE_SECONDS)
        return PATIENCE_SECONDS if took is None else took


def _board(number: int) -> Board:
    """Return a board that nobody else draws, of long lines as a finger draws them."""
    rng = np.random.default_rng(number)
    lines = np.clip(0.5 + rng.normal(0, 0.03, (ROWS, STROKES, POINTS, 2)).cumsum(axis=2), 0, 1)
    return Board(tuple((cell_from_strokes(row.tolist()),) for row in lines))


class Projector:
    """The teacher's page, and when it first showed that so many have finished or drawn."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self._shown: dict[tuple[str, int], float] = {}
        tab.on_message = self._look

    async def turn_to(self, results: str) -> None:
        """Show the results of one kind."""
        control = self.tab.find("class_results")
        assert control is not None, "The projector does not let one choose"
        state = WidgetState(id=control.id)
        state.string_array_value.data.append(results)
        await self.tab.press(control, state)

    def _look(self, content: bytes) -> None:
        for kind, pattern in SHOWN.items():
            for count in re.findall(pattern, content):
                self._shown.setdefault((kind, int(count)), time.perf_counter())

    async def seconds_behind(self, kind: str, count: int, ended: float) -> float:
        """Wait until it shows so many; return how long after a moment that was."""
        end = time.perf_counter() + PATIENCE_SECONDS
        while (kind, count) not in self._shown and time.perf_counter() < end:
            await asyncio.sleep(0.05)
        return self._shown.get((kind, count), float("inf")) - ended


async def _ask_again(pupil: Person) -> None:
    await asyncio.sleep(ASK_SECONDS * random.random())
    while True:
        await asyncio.to_thread(pupil.ask)
        await asyncio.sleep(ASK_SECONDS)


def open_all(url: str, rounds: int) -> dict[str, list[float]]:
    """Return what `_opened_by_outsider` does."""
    return asyncio.run(_opened_by_outsider(url, rounds))


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
