"""Many visitors at once: how long they wait, what they meet, and what memory stays when they went.

    python -m benchmarks.visitors                 # thirty on each page, twenty seconds each
    python -m benchmarks.visitors --work          # ten bring zips, train, pause and leave
    python -m benchmarks.visitors --replicas 2    # of two servers behind one proxy

Each is a session of Streamlit's own protocol over a websocket, without a browser: the times are the
server's and the line's. A visitor presses the page's controls at random, half a second to two and a
half after the page has answered. After twenty seconds without an end they press the next thing, and
the press counts as unfinished: so does an evaluation of many episodes, which shows its progress.

Each has a mark, in the seed, in strokes and in class names, which nobody else may see. The server
is this project's app, on this machine, with the data that the environment names.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.running_app import RunningApp, running_server
from benchmarks.running_replicas import running_replicas
from benchmarks.simulated_visitors.server_memory import megabytes
from benchmarks.simulated_visitors.tab import PATIENCE_SECONDS
from benchmarks.simulated_visitors.visits import Visit, look_around, train_on_own_zip
from pages.shared.frame.navigation import PAGES

WARM_SECONDS = 8.0  # on each page, alone, before the memory is called that of the beginning
SAMPLE_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the visits and print what was measured; return 1 if something happened that must not."""
    options = _parser().parse_args(arguments)
    if options.replicas:
        with running_replicas(options.replicas) as replicas:
            servers = list(replicas.servers.values())
            return asyncio.run(measure(replicas.url, servers, options))
    with running_server() as server:
        return asyncio.run(measure(server.url, [server], options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [page.name for page in PAGES]
    parser.add_argument("--sessions", type=int, help="visitors at once (30, with --work 10)")
    parser.add_argument("--pages", nargs="+", choices=names, default=names, metavar="PAGE")
    parser.add_argument("--seconds", type=float, default=20, help="that each stays (20)")
    parser.add_argument("--minutes-after", type=float, default=10, help="to watch memory (10)")
    parser.add_argument("--press", default="", metavar="KEY", help="one button only")
    parser.add_argument("--every", type=float, default=0, help="seconds between its presses (none)")
    parser.add_argument("--replicas", type=int, help="servers behind one proxy (one, without)")
    parser.add_argument(
        "--work", action="store_true", help="bring zips, train, pause and leave instead"
    )
    return parser


async def measure(url: str, servers: Sequence[RunningApp], options: argparse.Namespace) -> int:
    """Visit servers, print a table, and watch their memory; return 1 after faults, else 0.

    Args:
        url: Where the visitors come to.
        servers: Those that answer there.
        options: What `_parser` reads.
    """
    pids = [server.pid for server in servers]
    print_memory("started", pids)
    for page in PAGES:
        if page.name in options.pages:
            for one in servers:
                await look_around(one.url, page.name, page.address, 0, WARM_SECONDS, patience=300)
    print_memory("before", pids)
    peak = asyncio.create_task(_peak(pids))
    visits: list[Visit] = []
    print(
        f"{'page':10} visitors presses   opened     p50     p95  unfinished  errors shown  faults"
    )
    if options.work:
        numbers = range(1, 1 + (options.sessions or 10))
        work = await asyncio.gather(*(train_on_own_zip(url, n) for n in numbers))
        visits += report("train", work)
    else:
        numbers = range(1, 1 + (options.sessions or 30))
        for page in PAGES:
            if page.name in options.pages:
                there = await asyncio.gather(
                    *(
                        look_around(
                            url,
                            page.name,
                            page.address,
                            n,
                            options.seconds,
                            button=options.press,
                            every=options.every,
                        )
                        for n in numbers
                    )
                )
                visits += report(page.name, there)
    peak.cancel()
    print(f"memory, peak: {await peak:.0f} MB with child processes")
    print_memory("when they went", pids)
    await _watch_memory(pids, options.minutes_after)
    return _sum_up(servers, visits)


def report(page: str, visits: Sequence[Visit]) -> Sequence[Visit]:
    """Print the row of a page; return its visits."""
    pressed = [second for visit in visits for second in visit.seconds]
    unfinished = sum(second is None for v in visits for second in (v.opened, *v.seconds))
    opened = statistics.median(
        math.inf if visit.opened is None else visit.opened for visit in visits
    )
    shown = f"{opened:.2f} s" if math.isfinite(opened) else f"> {PATIENCE_SECONDS:.0f} s"
    times = sorted(second for second in pressed if second is not None) or [float("nan")]
    p50, p95 = (times[min(int(share * len(times)), len(times) - 1)] for share in (0.5, 0.95))
    alerts = sum(len(visit.alerts) for visit in visits)
    faults = sum(len(visit.faults) for visit in visits)
    print(
        f"{page:10} {len(visits):8} {len(pressed):7} {shown:>8} {p50:5.2f} s {p95:5.2f} s "
        f"{unfinished:10} {alerts:13} {faults:7}",
        flush=True,
    )
    return visits


def print_memory(when: str, pids: Sequence[int]) -> None:
    """Print how much memory the servers and their children have."""
    server, children, number = map(sum, zip(*map(megabytes, pids), strict=True))
    print(f"memory, {when}: {server:.0f} MB, {number} children {children:.0f} MB", flush=True)


async def _peak(pids: Sequence[int]) -> float:
    """Return the most memory of servers and their children together until it is cancelled."""
    most = 0.0
    try:
        while True:
            most = max(most, sum(sum(megabytes(pid)[:2]) for pid in pids))
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return most


async def _watch_memory(pids: Sequence[int], minutes: float) -> None:
    end, minute = time.monotonic() + 60 * minutes, 0
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(60, left))
        minute += 1
        print_memory(f"{min(minute, minutes):g} minutes after", pids)


def _sum_up(servers: Sequence[RunningApp], visits: Sequence[Visit]) -> int:
    """Print what went wrong, in the sessions and in the servers' logs; return 1 if it must not."""
    for server in servers:
        server.log.seek(0)
    log = "".join(server.log.read() for server in servers)
    there = {visit.mark for visit in visits}  # a seed drawn at random can be like any other mark
    foreign = {(v.number, mark) for v in visits for mark in v.seen & there - {v.mark}}
    for text, count in Counter(text for visit in visits for text in visit.alerts).most_common():
        print(f"error shown {count} times: {text}")
    faults = Counter(text for visit in visits for text in visit.faults)
    for text, count in faults.most_common():
        print(f"fault, {count} times: {text}")
    for number, mark in sorted(foreign):
        print(f"fault: visitor {number} saw the mark {mark} of another")
    print(f"the server printed {log.count('Traceback')} tracebacks")
    if "Traceback" in log:
        print(log)
    return int(bool(faults or foreign or "Traceback" in log))


if __name__ == "__main__":
    sys.exit(main())
