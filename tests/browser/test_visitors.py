"""The simulated visitors of `benchmarks.visitors` speak with a real server as a browser does."""

import asyncio
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from benchmarks.simulated_visitors.marks import mark_of, marked_zip, marks_in, stroke
from benchmarks.simulated_visitors.visits import Visit, look_around

SECONDS = 5.0


def test_two_visitors_draw_and_see_what_they_drew_and_nothing_else(app_url: str) -> None:
    async def both() -> list[Visit]:
        visits = (look_around(app_url, "draw", "draw", number, SECONDS) for number in (1, 2))
        return await asyncio.gather(*visits)

    with ThreadPoolExecutor(1) as pool:  # in this thread Playwright has a loop of its own
        visits = pool.submit(lambda: asyncio.run(both())).result()
    for visit in visits:
        assert visit.faults == []
        assert visit.seconds, "otherwise nothing was pressed"
        assert visit.seen == {visit.mark}


@pytest.mark.parametrize("number", [0, 29, 439])
def test_a_mark_is_found_wherever_it_was_put(number: int) -> None:
    mark = mark_of(number)
    names = zipfile.ZipFile(BytesIO(marked_zip(mark))).namelist()
    for text in (f"?seed={mark}&n_way=5", f"seed {mark}", json.dumps([stroke(mark)]), names[0]):
        assert marks_in(f"before {text} after".encode()) == {mark}
    assert marks_in(f"seed={mark}7, visitor 9, [0.314, 0.2]".encode()) == set()
