"""What a browser asks about its class, of a real server: who may what, and how often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import requests
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette

from benchmarks.running_app import free_port
from maml_core.classroom.activities import open_activity, reveal_link
from maml_core.classroom.hand_ins import hand_ins_of
from maml_core.classroom.membership import class_of_teacher, pupils_of
from pages.shared.classroom import routes
from pages.shared.classroom.rate_limit import RateLimit

SECONDS = 20


class Browser:
    """Somebody's browser, with cookies of its own."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.session = requests.Session()

    def post(self, what: str, said: Any = None, **options: Any) -> requests.Response:
        return self.session.post(
            f"{self.root}/class/{what}", json={} if said is None else said, timeout=10, **options
        )

    def now(self, place: str = "play") -> Any:
        return self.session.get(f"{self.root}/class/now?place={place}", timeout=10).json()

    def hand_in(self, content: Any = "Because.", version: Any = 1, **said: Any) -> int:
        whole = {"kind": "answer", "subject": "lesson 1", "content": content, "version": version}
        return self.post("hand-in", whole | said).status_code

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def server(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(routes, "database", lambda: engine)
    monkeypatch.setattr(routes, "WRONG_CODES", RateLimit(each=5, all_together=8))
    monkeypatch.setattr(routes, "NEW_CLASSES", RateLimit(each=3, all_together=6))
    port = free_port()
    app = Starlette(routes=routes.ROUTES)
    running = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", ws="none"))
    thread = threading.Thread(target=running.run)
    thread.start()
    end = time.monotonic() + SECONDS
    while not running.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.fixture
def browsers(server: str) -> Iterator[list[Browser]]:
    """A teacher's, two pupils' and a stranger's."""
    opened = [Browser(server) for _ in range(4)]
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def in_class(browsers: list[Browser]) -> list[Browser]:
    teacher, fox, owl, _ = browsers
    code = teacher.post("start").json()["code"]
    assert fox.post("join", {"code": code, "name": "red fox"}).json() == {"name": "red fox"}
    assert owl.post("join", {"code": code, "name": "blue owl"}).json() == {"name": "blue owl"}
    return browsers


def test_a_class_from_its_start_to_a_hand_in(engine: Engine, browsers: list[Browser]) -> None:
    teacher, pupil, other_computer, _ = browsers
    started = teacher.post("start").json()
    offered = pupil.post("names", {"code": started["code"].upper()}).json()["names"]
    pupil.post("join", {"code": started["code"], "name": offered[0]})
    record = class_of_teacher(engine, started["secret"])
    assert record
    assert pupil.now() == {"name": offered[0], "activity": None}
    activity = open_activity(engine, record.id, "play", "?seed=3")
    expected = {"id": activity.id, "kind": "play", "link": "?seed=3", "revealed": False}
    assert pupil.now("adapt")["activity"] == expected
    assert [one.place for one in pupils_of(engine, record.id)] == ["adapt"]
    assert pupil.hand_in() == HTTPStatus.OK
    assert [one.content for one in hand_ins_of(engine, record.id)] == ["Because."]
    assert other_computer.post("teach", {"secret": started["secret"]}).ok
    assert other_computer.session.cookies["maml_teacher"] == started["secret"]


def test_a_browser_teaches_one_class_until_it_stops(
    engine: Engine, browsers: list[Browser]
) -> None:
    teacher, elsewhere, *_ = browsers
    own = teacher.post("start").json()["secret"]
    again = teacher.post("start")
    assert again.status_code == HTTPStatus.CONFLICT
    assert "teaches a class already" in again.json()["error"]
    other = elsewhere.post("start").json()["secret"]
    assert teacher.post("teach", {"secret": "wrong"}).status_code == HTTPStatus.NOT_FOUND
    assert teacher.session.cookies["maml_teacher"] == own
    assert teacher.post("teach", {"secret": other}).ok
    assert teacher.session.cookies["maml_teacher"] == other
    assert teacher.post("teach", {"secret": own}).ok, "the former class has stayed as it was"
    assert teacher.post("stop-teaching").ok
    assert "maml_teacher" not in teacher.session.cookies
    assert class_of_teacher(engine, own)
    assert teacher.post("start").ok


def test_a_lost_private_link_is_replaced_by_the_teacher_alone(
    engine: Engine, in_class: list[Browser]
) -> None:
    teacher, fox, *_ = in_class
    lost = teacher.session.cookies["maml_teacher"]
    assert fox.post("renew-link").status_code == HTTPStatus.UNAUTHORIZED
    found = class_of_teacher(engine, lost)
    secret = teacher.post("renew-link").json()["secret"]
    assert class_of_teacher(engine, lost) is None
    assert class_of_teacher(engine, secret) == found
    assert teacher.session.cookies["maml_teacher"] == secret
    assert teacher.post("renew-link").ok


def here(engine: Engine, class_id: int) -> list[str]:
    return [pupil.name for pupil in pupils_of(engine, class_id)]


def test_who_joins_again_is_one_pupil_under_the_last_name(
    engine: Engine, in_class: list[Browser]
) -> None:
    teacher, fox, owl, _ = in_class
    record = class_of_teacher(engine, teacher.session.cookies["maml_teacher"])
    assert record
    assert fox.hand_in() == HTTPStatus.OK
    before = pupils_of(engine, record.id)
    assert fox.post("join", {"code": record.code, "name": "red fox"}).ok
    assert [pupil.id for pupil in pupils_of(engine, record.id)] == [pupil.id for pupil in before]
    taken = {"code": record.code, "name": "blue owl"}
    assert fox.post("join", taken).status_code == HTTPStatus.CONFLICT
    assert fox.now()["name"] == "red fox", "who gets no other name keeps theirs"
    assert fox.post("join", {"code": record.code, "name": "mint cat"}).ok
    assert here(engine, record.id) == ["blue owl", "mint cat"]
    assert fox.now()["name"] == "mint cat"
    assert owl.now()["name"] == "blue owl"
    assert [one.name for one in hand_ins_of(engine, record.id)] == ["red fox"]


def test_who_joins_another_class_leaves_the_former(engine: Engine, in_class: list[Browser]) -> None:
    teacher, fox, _, elsewhere = in_class
    record = class_of_teacher(engine, teacher.session.cookies["maml_teacher"])
    assert record
    code = elsewhere.post("start").json()["code"]
    other = class_of_teacher(engine, elsewhere.session.cookies["maml_teacher"])
    assert other
    former = next(one for one in pupils_of(engine, record.id) if one.name == "red fox")
    assert fox.post("join", {"code": "zzzzzzzz", "name": "red fox"}).status_code == 409
    assert here(engine, record.id) == ["blue owl", "red fox"]
    assert fox.post("join", {"code": code, "name": "red fox"}).ok
    assert here(engine, record.id) == ["blue owl"]
    assert here(engine, other.id) == ["red fox"]
    # What a window from before still has to send is not the other class's.
    assert fox.hand_in("Old.", who=former.id) == HTTPStatus.CONFLICT
    assert hand_ins_of(engine, other.id) == []
    (now,) = pupils_of(engine, other.id)
    assert fox.hand_in("New.", who=now.id) == HTTPStatus.OK


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(in_class: list[Browser]) -> None:
    teacher, fox, *_ = in_class
    for browser in (teacher, fox):
        (cookie,) = browser.session.cookies
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "strict"
        assert not cookie.secure
    behind_tls = in_class[3].post("start", headers={"X-Forwarded-Proto": "https"})
    assert "; Secure" in behind_tls.headers["set-cookie"]


def test_the_same_again_in_any_order_is_there_once(engine: Engine, in_class: list[Browser]) -> None:
    fox = in_class[1]
    for version in (2, 1, 2, 3, 3, 2):
        assert fox.hand_in(f"text {version}", version) == HTTPStatus.OK
    assert [one.content for one in hand_ins_of(engine, 1)] == ["text 3"]


def test_who_is_in_no_class_hands_nothing_in(engine: Engine, in_class: list[Browser]) -> None:
    _, fox, _, stranger = in_class
    assert stranger.hand_in() == HTTPStatus.UNAUTHORIZED
    assert stranger.now() == {"name": None}
    kept = dict(fox.session.cookies)
    assert fox.post("leave").ok
    fox.session.cookies.update(kept)  # a browser that did not forget it
    assert fox.hand_in() == HTTPStatus.UNAUTHORIZED
    assert fox.now() == {"name": None}
    assert hand_ins_of(engine, 1) == []


def test_a_pupil_is_told_nothing_of_others_and_teaches_nothing(
    engine: Engine, in_class: list[Browser]
) -> None:
    teacher, fox, owl, _ = in_class
    assert fox.hand_in("The fox's answer.") == HTTPStatus.OK
    told = [owl.now(), *(owl.post(what).json() for what in ("hand-in", "names", "join", "teach"))]
    assert "fox" not in str(told)
    assert not owl.post("teach", {"secret": owl.session.cookies["maml_pupil"]}).ok
    record = class_of_teacher(engine, teacher.session.cookies["maml_teacher"])
    assert record
    assert not owl.post("teach", {"secret": record.code}).ok


def test_what_came_out_is_out(engine: Engine, in_class: list[Browser]) -> None:
    fox = in_class[1]
    open_activity(engine, 1, "prediction", "adapt?seed=3")
    prediction = {"kind": "prediction", "subject": "adapt?seed=3"}
    assert fox.hand_in([0.5], 1, **prediction) == HTTPStatus.OK
    reveal_link(engine, 1, "prediction", "adapt?seed=3")
    assert fox.hand_in([0.9], 2, **prediction) == HTTPStatus.CONFLICT
    assert fox.now()["activity"]["revealed"]
    assert [one.content for one in hand_ins_of(engine, 1)] == [[0.5]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", HTTPStatus.BAD_REQUEST),
        (b"[1]", HTTPStatus.BAD_REQUEST),
        (b'{"version": "1"}', HTTPStatus.BAD_REQUEST),
        (b'{"version": true, "kind": "answer"}', HTTPStatus.BAD_REQUEST),
        (b'{"version": 1, "kind": "virus"}', HTTPStatus.CONFLICT),
        (b'{"version": 1, "kind": "answer", "subject": ""}', HTTPStatus.CONFLICT),
        (b'{"x": "' + 500_000 * b"x" + b'"}', HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"\xff\xfe", HTTPStatus.BAD_REQUEST),
        (100_000 * b"[", HTTPStatus.BAD_REQUEST),
        (b'{"version": 1, "kind": "answer", "subject": "\\u0000", "content": "\\u0000"}', None),
        (b'{"version": 1, "kind": "answer", "subject": "\\ud800", "content": "\\ud800"}', None),
        (b'{"version": 1, "kind": "answer", "subject": "x", "content": NaN}', None),
    ],
)
def test_odd_requests_get_a_sentence(
    in_class: list[Browser], body: bytes, status: HTTPStatus | None
) -> None:
    fox = in_class[1]
    answer = fox.session.post(f"{fox.root}/class/hand-in", data=body, timeout=10)
    assert answer.status_code < 500
    assert answer.json()["error"] or answer.ok
    assert status is None or answer.status_code == status


def test_another_site_cannot_act_for_a_pupil(in_class: list[Browser]) -> None:
    fox = in_class[1]
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert fox.post("leave", headers=elsewhere).status_code == HTTPStatus.FORBIDDEN
    assert fox.now()["name"] == "red fox"
    assert fox.post("leave", headers={"Origin": fox.root}).ok


def test_codes_cannot_be_tried_by_the_hundred(engine: Engine, in_class: list[Browser]) -> None:
    *_, stranger = in_class
    record = class_of_teacher(engine, in_class[0].session.cookies["maml_teacher"])
    assert record
    code = record.code

    def attempt(code: str, address: str) -> int:
        said = {"code": code, "name": "pink bee"}
        return stranger.post("join", said, headers={"X-Forwarded-For": address}).status_code

    tries = [attempt(f"wrong{n:03}", "1.2.3.4, 10.0.0.1") for n in range(7)]
    assert tries == 5 * [HTTPStatus.CONFLICT] + 2 * [HTTPStatus.TOO_MANY_REQUESTS]
    assert attempt(code, "10.0.0.1") == HTTPStatus.TOO_MANY_REQUESTS
    assert attempt(code, "10.0.0.2") == HTTPStatus.OK, "nobody else has to wait"
    for n in range(3):
        attempt(f"wrong{n:03}", f"10.0.1.{n}")
    assert attempt(code, "10.0.0.3") == HTTPStatus.TOO_MANY_REQUESTS, "nor are many addresses more"


def test_classes_are_not_started_by_the_hundred(browsers: list[Browser]) -> None:
    tries = []
    for _ in range(4):
        tries.append(browsers[0].post("start").status_code)
        browsers[0].post("stop-teaching")
    assert tries == 3 * [HTTPStatus.OK] + [HTTPStatus.TOO_MANY_REQUESTS]


def test_a_minute_later_one_may_try_again() -> None:
    seconds = 0.0
    limit = RateLimit(each=1, all_together=9, clock=lambda: seconds)
    limit.count("a")
    assert limit.is_reached("a")
    assert not limit.is_reached("b")
    seconds = 60.5
    assert not limit.is_reached("a")
