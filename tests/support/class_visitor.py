"""Pages as a class's teacher, a pupil, or a stranger sees them, without a browser."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from pages.shared.classroom import store, visitor
from pages.shared.classroom.routes import PUPIL_COOKIE, TEACHER_COOKIE


def be_visitor(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    *,
    token: str | None = None,
    secret: str | None = None,
) -> None:
    """Have pages drawn for whoever has a pupil's token, a teacher's secret, or neither."""
    cookies = {PUPIL_COOKIE: token, TEACHER_COOKIE: secret}
    monkeypatch.setattr(store, "_open", lambda: engine)
    monkeypatch.setattr(visitor, "cookie", cookies.get)
