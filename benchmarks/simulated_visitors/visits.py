"""Whole visits: to a page, pressing its controls, or to train on a zip of one's own."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.simulated_visitors.marks import mark_of, marked_zip, marks_in
from benchmarks.simulated_visitors.presses import random_press
from benchmarks.simulated_visitors.tab import PATIENCE_SECONDS, Drawn, Tab

THINK_SECONDS = (0.5, 2.5)  # between two presses
TRAINED_SECONDS = 10.0  # from the start of a training to its pause
WAIT_SECONDS = 600.0  # for one's turn to train
UPDATES = 5_000


@dataclass
class Visit:
    """What a visitor met.

    Attributes:
        number: Of the visitor.
        page: The page's name.
        opened: Seconds until all of the page was drawn; None where the visitor pressed before.
        seconds: From each press to the page that answers it; None where the visitor went on to
            the next before.
        faults: What must not happen.
        alerts: Error messages that were shown.
        seen: Marks in what the server sent.
    """

    number: int
    page: str
    opened: float | None = None
    seconds: list[float | None] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    @property
    def mark(self) -> int:
        """The visitor's own."""
        return mark_of(self.number)


async def look_around(
    url: str,
    page: str,
    address: str,
    number: int,
    seconds: float,
    patience: float = PATIENCE_SECONDS,
    button: str = "",
    every: float = 0.0,
) -> Visit:
    """Open a page and press what is on it, one thing after another.

    Args:
        url: The app's address.
        page: The page's name.
        address: What follows the app's address.
        number: Of the visitor.
        seconds: To stay.
        patience: Seconds to wait for the page at first.
        button: The key of the one to press; empty: whatever is there, at random.
        every: Seconds from one press of the button to the next, from a moment of the visitor's own;
            where the answer takes longer, none.
    """
    visit, chance = Visit(number, page), random.Random(f"{page} {number}")

    async def press(tab: Tab) -> None:
        begin = time.monotonic()
        due = begin + chance.uniform(0, every)
        while time.monotonic() < begin + seconds:
            if button:
                await tab.watch(max(0.0, due - time.monotonic()))
                due = max(due + every, time.monotonic())
                visit.seconds.append(await _click(tab, button))
                continue
            await tab.watch(chance.uniform(*THINK_SECONDS))
            chosen = random_press(tab, visit.mark, chance)
            if chosen is not None:
                visit.seconds.append(await tab.press(*chosen))

    await _make(visit, Tab(url, address, f"seed={visit.mark}&n_way=5&k_shot=1"), press, patience)
    return visit


async def train_on_own_zip(url: str, number: int) -> Visit:
    """Bring a zip, look at it, train on it, pause the training and leave."""
    visit = Visit(number, "train")

    async def work(tab: Tab) -> None:
        uploader = next(one for one in tab.shown("file_uploader") if one.key.startswith("zip_"))
        visit.seconds.append(await tab.upload(uploader, "mine.zip", marked_zip(visit.mark)))
        visit.seconds += [await tab.go_to("episodes"), await tab.go_to("train")]
        choice = await _wait_for(tab, "train_on")
        own = choice.proto.options[-1].content
        state = WidgetState(id=choice.id)
        state.string_array_value.data.append(own)
        visit.seconds.append(await tab.press(choice, state))
        visit.seconds.append(await _click(tab, "start_training"))
        await _wait_for(tab, "pause_training")
        await tab.watch(TRAINED_SECONDS)
        visit.seconds.append(await _click(tab, "pause_training"))
        await tab.watch(3.0)

    query = f"train_updates={UPDATES}&train_seed={visit.mark}"
    await _make(visit, Tab(url, "train", query), work, WAIT_SECONDS)
    return visit


async def _make(
    visit: Visit, tab: Tab, act: Callable[[Tab], Awaitable[None]], patience: float
) -> None:
    """Make a visit: open a tab, do something there and close it."""

    def look(message: bytes) -> None:
        visit.seen |= marks_in(message)

    tab.on_message = look
    try:
        visit.opened = await tab.open(patience)
        await act(tab)
    except Exception as error:  # one visitor's misfortune is a line of the table
        visit.faults.append(f"{visit.page}: {type(error).__name__}: {error}")
    finally:
        visit.faults += tab.faults
        visit.alerts += tab.alerts
        await tab.close()


async def _wait_for(tab: Tab, key: str) -> Drawn:
    """Stay until a control can be used.

    Raises:
        TimeoutError: It could not be.
    """
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        control = tab.find(key)
        if control is not None and not getattr(control.proto, "disabled", False):
            return control
        await tab.watch(1.0)
    raise TimeoutError(f"{key} could not be used for {WAIT_SECONDS:.0f} s")


async def _click(tab: Tab, key: str) -> float | None:
    control = await _wait_for(tab, key)
    return await tab.press(control, WidgetState(id=control.id, trigger_value=True))
