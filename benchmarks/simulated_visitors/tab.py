"""A browser's tab without a browser: one session of Streamlit's own protocol over a websocket.

What the server draws is kept by its place, as the frontend does: a run replaces what it draws
again, and what it does not draw any more goes. Parts that redraw themselves are asked for when they
are due.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ANSWER_SECONDS = 120.0  # after which a server that says nothing is an error
PATIENCE_SECONDS = 20.0  # that a visitor waits for all of a page to be drawn
FINISHED, EARLY, FRAGMENT_FINISHED = 0, 2, 3  # how a run ends, see `ForwardMsg.script_finished`
XSRF_COOKIE = "_streamlit_xsrf"
LEAVING = "class='leaving'"  # what is drawn when the browser is to load the page again
KEPT_RUNS = 30  # for which large messages are kept: `global.maxCachedMessageAge`


@dataclass
class Drawn:
    """What stands at one place of the page, whose path begins with 0, or with 1 in the sidebar."""

    place: tuple[int, ...]
    element: Element
    fragment: str
    run: int

    @property
    def kind(self) -> str:
        return str(self.element.WhichOneof("type"))

    @property
    def proto(self) -> Any:
        return getattr(self.element, self.kind)

    @property
    def id(self) -> str:
        return str(getattr(self.proto, "id", ""))

    @property
    def key(self) -> str:
        """The control's key in the app; empty where it has none."""
        return self.id.split("-", 2)[2] if self.id.count("-") > 1 else ""


@dataclass(eq=False)
class Tab:
    """One tab.

    Attributes:
        url: The app's address.
        page: The page's address, empty for the first page.
        query: Of the address.
        on_message: Told the bytes of each message.
        cookies: Of the visitor, beside the server's.
        drawn: What the page shows, by place.
        alerts: The error messages that were shown.
        faults: What must not happen: exceptions shown, connections closed by the server.
    """

    url: str
    page: str
    query: str = ""
    on_message: Callable[[bytes], None] = lambda _: None
    cookies: dict[str, str] = field(default_factory=dict)
    drawn: dict[tuple[int, ...], Drawn] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    session: str = ""
    _states: dict[str, WidgetState] = field(default_factory=dict)
    _kept: dict[str, tuple[int, ForwardMsg]] = field(default_factory=dict)
    _due: dict[str, tuple[float, float]] = field(default_factory=dict)  # by fragment
    _files: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _run: int = 0
    _page_hash: str = ""
    _pages: dict[str, str] = field(default_factory=dict)
    _cookies: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.Task[None] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, patience: float = PATIENCE_SECONDS) -> float | None:
        """Load the page; return the seconds until all of it is drawn, None if that is awaited."""
        self._cookies = await asyncio.to_thread(self._fetch_cookies) | self.cookies
        began = time.perf_counter()
        while True:
            await self._connect()
            seconds = await self.rerun(patience=patience)
            if not any(LEAVING in one.proto.body for one in self.shown("html")):
                return None if seconds is None else time.perf_counter() - began
            await self.close()

    async def close(self) -> None:
        """Close the tab."""
        if self._reader is not None:
            self._reader.cancel()
            await self._socket.close()
            with suppress(asyncio.CancelledError):
                await self._reader

    def shown(self, *kinds: str) -> Iterator[Drawn]:
        """Yield what is shown of some kinds of elements."""
        yield from (one for one in list(self.drawn.values()) if one.kind in kinds)

    def find(self, key: str) -> Drawn | None:
        """Return the control of a key, if it is shown."""
        return next((one for one in list(self.drawn.values()) if one.key == key), None)

    async def press(self, control: Drawn, state: WidgetState) -> float | None:
        """Change a control; return the seconds until the page is drawn, None if that is awaited.

        Who waits no longer may press again, which ends the run that is under way.
        """
        return await self.rerun(control.fragment, state)

    async def go_to(self, page: str) -> float | None:
        """Choose a page in the navigation; return what `press` does."""
        self.page, self._page_hash = page, self._pages[page]
        return await self.rerun()

    async def rerun(
        self,
        fragment: str = "",
        changed: WidgetState | None = None,
        by_itself: bool = False,
        patience: float = PATIENCE_SECONDS,
    ) -> float | None:
        """Ask for a run; return the seconds that it took, None if it takes longer than one waits.

        Args:
            fragment: The part of the page to run; empty for all.
            changed: What the visitor did.
            by_itself: Whether it is due rather than asked for.
            patience: Seconds to wait.
        """
        async with self._turn:
            message = BackMsg()
            state = message.rerun_script
            state.query_string, state.page_script_hash = self.query, self._page_hash
            state.page_name = "" if self._page_hash else self.page
            state.fragment_id, state.is_auto_rerun = fragment, by_itself
            state.cached_message_hashes.extend(self._kept)
            state.context_info.timezone, state.context_info.locale = "Europe/Berlin", "en-GB"
            state.context_info.url = f"{self.url}/{self.page}"
            if changed is not None:
                self._states[changed.id] = changed
            state.widget_states.widgets.extend(self._states.values())
            for name, value in list(self._states.items()):
                if value.WhichOneof("value") in ("trigger_value", "json_trigger_value"):
                    del self._states[name]
            self._ended = asyncio.get_running_loop().create_future()
            began = time.perf_counter()
            await self._socket.send(message.SerializeToString())
            try:
                await asyncio.wait_for(self._ended, patience)
            except TimeoutError:
                return None
            return time.perf_counter() - began

    async def watch(self, seconds: float) -> None:
        """Stay on the page; what redraws itself does."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            now = time.monotonic()
            due = [name for name, (_, when) in self._due.items() if when <= now]
            for name in due:
                interval = self._due[name][0]
                await self.rerun(name, by_itself=True)
                if name in self._due:
                    self._due[name] = (interval, time.monotonic() + interval)
            await asyncio.sleep(min(left, 0.1))

    async def upload(self, uploader: Drawn, name: str, content: bytes) -> float | None:
        """Choose a file; return what `press` does."""
        message = BackMsg()
        request = message.file_urls_request
        request.request_id, request.session_id = uuid.uuid4().hex, self.session
        request.file_names.append(name)
        answered = self._files[request.request_id] = asyncio.get_running_loop().create_future()
        await self._socket.send(message.SerializeToString())
        urls = await asyncio.wait_for(answered, ANSWER_SECONDS)
        await asyncio.to_thread(self._put, urls.upload_url, name, content)
        state = WidgetState(id=uploader.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(content), urls.file_id
        info.file_urls.CopyFrom(urls)
        return await self.press(uploader, state)

    def _fetch_cookies(self) -> dict[str, str]:
        """Return the server's cookies, and those of a proxy before it."""
        with urllib.request.urlopen(f"{self.url}/_stcore/health") as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        pairs = [cookie.partition(";")[0].partition("=") for cookie in cookies]
        return {name: value for name, _, value in pairs}

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def _put(self, path: str, name: str, content: bytes) -> None:
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        request = urllib.request.Request(
            f"{self.url}{path}",
            head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Cookie": self._cookie_header(),
                "X-Xsrftoken": self._cookies.get(XSRF_COOKIE, ""),
            },
            method="PUT",
        )
        with urllib.request.urlopen(request):
            pass

    async def _connect(self) -> None:
        for kept in (self.drawn, self._states, self._kept, self._due):
            kept.clear()
        self._page_hash = ""
        self._socket: ClientConnection = await connect(
            f"{self.url.replace('http', 'ws', 1)}/_stcore/stream",
            origin=self.url,
            subprotocols=["streamlit", self._cookies.get(XSRF_COOKIE) or "PLACEHOLDER_AUTH_TOKEN"],
            additional_headers={"Cookie": self._cookie_header()},
            max_size=None,
            compression=None,
            open_timeout=ANSWER_SECONDS,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for content in self._socket:
            assert isinstance(content, bytes)
            self.on_message(content)
            message = ForwardMsg.FromString(content)
            if message.WhichOneof("type") == "ref_hash":
                place = message.metadata
                message = ForwardMsg.FromString(self._kept[message.ref_hash][1].SerializeToString())
                message.metadata.delta_path[:] = place.delta_path
            elif message.metadata.cacheable:
                self._kept[message.hash] = (self._run, message)
            self._handle(message)
        if not self._ended.done():
            self.faults.append(f"{self.page}: the server closed the connection")
            self._ended.set_result(None)

    def _handle(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._run += 1
            self.session = message.new_session.initialize.session_id or self.session
            if not message.metadata.run.fragment_ids:
                self._due.clear()
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
            self._pages = {
                one.url_pathname: one.page_script_hash for one in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._due[message.auto_rerun.fragment_id] = (interval, time.monotonic() + interval)
        elif kind == "stop_auto_rerun":
            for name in message.stop_auto_rerun.fragment_ids:
                self._due.pop(name, None)
        elif kind == "file_urls_response":
            answer = message.file_urls_response
            self._files.pop(answer.response_id).set_result(answer.file_urls[0])
        elif kind == "delta":
            self._draw(message)
        elif kind == "session_event":
            self.faults.append(f"{self.page}: {message.session_event}")
        elif kind == "page_not_found":
            self.faults.append(f"{self.page}: the server does not know this page")
        elif kind == "script_finished" and message.script_finished != EARLY:
            self._finish(message)

    def _draw(self, message: ForwardMsg) -> None:
        place, delta = tuple(message.metadata.delta_path), message.delta
        if delta.WhichOneof("type") != "new_element":
            if delta.WhichOneof("type") == "add_block":
                self.drawn.pop(place, None)
            return
        one = Drawn(place, delta.new_element, delta.fragment_id, self._run)
        self.drawn[place] = one
        if getattr(one.proto, "set_value", False):  # the server's value counts
            self._states.pop(one.id, None)
        if one.kind == "exception":
            self.faults.append(f"{self.page}: {one.proto.type}: {one.proto.message}")
        elif one.kind == "alert" and one.proto.format == one.proto.ERROR:
            self.alerts.append(one.proto.body)

    def _finish(self, message: ForwardMsg) -> None:
        fragments = set(message.metadata.run.fragment_ids)
        for place, one in list(self.drawn.items()):
            if one.run < self._run and (
                message.script_finished != FRAGMENT_FINISHED or one.fragment in fragments
            ):
                del self.drawn[place]
        shown = {one.id for one in self.drawn.values()}
        for name in self._states.keys() - shown:
            del self._states[name]
        for digest, (run, _) in list(self._kept.items()):
            if self._run - run > KEPT_RUNS:
                del self._kept[digest]
        if not self._ended.done():
            self._ended.set_result(None)
