"""What a browser asks of the server about its class, beside Streamlit's own connection.

So an answer is handed in without a run of a page, and a phone whose network was away sends it
again. Who somebody is stands in a cookie that no script can read.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from pages.shared.classroom.rate_limit import RateLimit
from pages.shared.classroom.store import database

if TYPE_CHECKING:
    from maml_core.classroom.membership import ClassRecord, Pupil

ROOT = "/class"  # of the addresses below
PUPIL_COOKIE = "maml_pupil"
TEACHER_COOKIE = "maml_teacher"
PUPIL_HOURS = 12  # a day at school
TEACHER_HOURS = 24 * 30
MAX_BODY = 450_000  # bytes; a board has 400,000 at most
# A whole school has one address. Of 32^8 codes even the latter finds none in years, and nobody can
# use them up for all others.
WRONG_CODES = RateLimit(each=300, all_together=20_000)
NEW_CLASSES = RateLimit(each=20, all_together=60)

Answer = dict[str, Any]
Handler = Callable[[Request, Answer], JSONResponse]


def answer_of(handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Return an endpoint that reads JSON and answers with JSON, errors as a sentence."""

    async def endpoint(request: Request) -> JSONResponse:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return refusal(f"More than {MAX_BODY:,} bytes were sent; make it shorter.", 413)
        if request.method == "POST" and not _is_of_this_app(request):
            return refusal("This was sent by another site.", 403)
        try:
            said = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            return refusal("What was sent is not JSON.", 400)
        if not isinstance(said, dict):
            return refusal("What was sent is not a JSON object.", 400)
        return await run_in_threadpool(_answer_or_refuse, handler, request, said)

    return endpoint


def _answer_or_refuse(handler: Handler, request: Request, said: Answer) -> JSONResponse:
    try:
        return handler(request, said)
    except ValueError as error:  # its message says what to do
        return refusal(str(error), 409)


def refusal(sentence: str, status: int) -> JSONResponse:
    """Return an answer that says why not."""
    return JSONResponse({"error": sentence}, status)


def start(request: Request, _: Answer) -> JSONResponse:
    """Start a class; whoever does is its teacher. A browser teaches one at a time."""
    from maml_core.classroom.membership import start_class

    if _teachers_class(request) is not None:
        return refusal("This browser teaches a class already: reload the page to see it.", 409)
    address = _address(request)
    if NEW_CLASSES.is_reached(address):
        return refusal("Many classes were started just now; try again in a minute.", 429)
    NEW_CLASSES.count(address)
    started, secret = start_class(database())
    answer = JSONResponse({"code": started.code, "secret": secret})
    _set_cookie(request, answer, TEACHER_COOKIE, secret, TEACHER_HOURS)
    return answer


def teach(request: Request, said: Answer) -> JSONResponse:
    """Make this browser a teacher's, who has their private link."""
    from maml_core.classroom.membership import class_of_teacher

    secret = str(said.get("secret", ""))
    if WRONG_CODES.is_reached(_address(request)):
        return refusal("Too many wrong links were tried; wait a minute.", 429)
    if class_of_teacher(database(), secret) is None:
        WRONG_CODES.count(_address(request))
        return refusal("This link is no class's, or the class has been deleted.", 404)
    answer = JSONResponse({})
    _set_cookie(request, answer, TEACHER_COOKIE, secret, TEACHER_HOURS)
    return answer


def renew_link(request: Request, _: Answer) -> JSONResponse:
    """Give a teacher's class another private link, in place of the one that may be lost."""
    from maml_core.classroom.membership import renew_secret

    taught = _teachers_class(request)
    if taught is None:
        return refusal("This browser teaches no class any more: reload the page.", 401)
    secret = renew_secret(database(), taught.id)
    answer = JSONResponse({"secret": secret})
    _set_cookie(request, answer, TEACHER_COOKIE, secret, TEACHER_HOURS)
    return answer


def stop_teaching(request: Request, _: Answer) -> JSONResponse:
    """Let this browser be a teacher's no more; the class stays."""
    answer = JSONResponse({})
    answer.delete_cookie(TEACHER_COOKIE, path="/")
    return answer


def join(request: Request, said: Answer) -> JSONResponse:
    """Let a browser's person into a class; it is one pupil at a time, so who they were leaves."""
    from maml_core.classroom.membership import class_of_code
    from maml_core.classroom.membership import join as join_class
    from maml_core.classroom.membership import leave as leave_class

    if WRONG_CODES.is_reached(_address(request)):
        return refusal("Too many wrong codes were tried; wait a minute.", 429)
    code, name = str(said.get("code", "")), str(said.get("name", ""))
    wanted = class_of_code(database(), code)
    if wanted is None:
        WRONG_CODES.count(_address(request))
    former = _pupil(request)
    if former and wanted and (former.class_id, former.name) == (wanted.id, name):
        return JSONResponse({"name": name})
    pupil, token = join_class(database(), code, name)
    if former:
        leave_class(database(), former)
    answer = JSONResponse({"name": pupil.name})
    _set_cookie(request, answer, PUPIL_COOKIE, token, PUPIL_HOURS)
    return answer


def names(request: Request, said: Answer) -> JSONResponse:
    """Offer names that are free in the class of a code."""
    from maml_core.classroom.membership import class_of_code, offered_names

    if WRONG_CODES.is_reached(_address(request)):
        return refusal("Too many wrong codes were tried; wait a minute.", 429)
    found = class_of_code(database(), str(said.get("code", "")))
    if found is None:
        WRONG_CODES.count(_address(request))
        return refusal("No class has this code; compare it with the board.", 404)
    return JSONResponse({"names": offered_names(database(), found.id, random.Random())})


def leave(request: Request, _: Answer) -> JSONResponse:
    """Let a browser's person go."""
    from maml_core.classroom.membership import leave as leave_class

    pupil = _pupil(request)
    if pupil is not None:
        leave_class(database(), pupil)
    answer = JSONResponse({})
    answer.delete_cookie(PUPIL_COOKIE, path="/")
    return answer


def hand_in(request: Request, said: Answer) -> JSONResponse:
    """Keep what a pupil hands in; the same again changes nothing."""
    from maml_core.classroom.hand_ins import hand_in as keep

    pupil = _pupil(request)
    if pupil is None:
        return refusal("You are in no class any more.", 401)
    if said.get("who", pupil.id) != pupil.id:  # a window from before this browser joined anew
        return refusal("In this browser you are somebody else by now: reload the page.", 409)
    version = said.get("version")
    if type(version) is not int:  # true is none
        return refusal("What was sent has no version.", 400)
    kind, subject = str(said.get("kind", "")), str(said.get("subject", ""))
    kept = keep(database(), pupil, kind, subject, said.get("content"), version)
    return JSONResponse({"kept": kept})


def now(request: Request, _: Answer) -> JSONResponse:
    """Say who a browser's person is and what their class is asked to do; note where they are."""
    from maml_core.classroom.activities import open_activity_of
    from maml_core.classroom.membership import note_presence

    pupil = _pupil(request)
    if pupil is None:
        return JSONResponse({"name": None})
    note_presence(database(), pupil, request.query_params.get("place", ""))
    activity = open_activity_of(database(), pupil.class_id)
    asked = activity and {
        "id": activity.id,
        "kind": activity.kind,
        "link": activity.link,
        "revealed": activity.is_revealed,
    }
    return JSONResponse({"name": pupil.name, "activity": asked})


def teaches(request: Request, _: Answer) -> JSONResponse:
    """Say whether this browser teaches a class; a page knows the cookies it began with."""
    return JSONResponse({"teaches": _teachers_class(request) is not None})


def _teachers_class(request: Request) -> ClassRecord | None:
    from maml_core.classroom.membership import class_of_teacher

    secret = request.cookies.get(TEACHER_COOKIE)
    return class_of_teacher(database(), secret) if secret else None


def _pupil(request: Request) -> Pupil | None:
    from maml_core.classroom.membership import pupil_of_token

    token = request.cookies.get(PUPIL_COOKIE)
    return pupil_of_token(database(), token) if token else None


def _is_of_this_app(request: Request) -> bool:
    """Say whether a page of the app sent a request; cookies of other sites do not come anyway."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _address(request: Request) -> str:
    """Return whose request it is; behind a proxy that `FORWARDED_ALLOW_IPS` names, as it says."""
    return request.client.host if request.client else ""


def _set_cookie(
    request: Request, answer: JSONResponse, name: str, value: str, hours: float
) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=int(3600 * hours),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


_HANDLERS: Mapping[str, Handler] = {
    "start": start,
    "teach": teach,
    "renew-link": renew_link,
    "stop-teaching": stop_teaching,
    "join": join,
    "names": names,
    "leave": leave,
    "hand-in": hand_in,
}
ROUTES: list[BaseRoute] = [
    Mount(
        ROOT,
        routes=[
            *(
                Route(f"/{name}", answer_of(handler), methods=["POST"])
                for name, handler in _HANDLERS.items()
            ),
            Route("/now", answer_of(now), methods=["GET"]),
            Route("/teaches", answer_of(teaches), methods=["GET"]),
        ],
    )
]
