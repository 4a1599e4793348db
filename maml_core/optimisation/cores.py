"""How many cores the work of this process may take.

No torch is imported: an app can draw its first page before it needs it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE = "MAML_WORKERS"
MOST = 1024


def worker_count() -> int:
    """Return how many pieces of work this process is to do at once, 1 or more.

    It is what `MAML_WORKERS` says, and otherwise all cores that the process may run on, which
    processes that torchrun started on one machine share.

    Raises:
        ValueError: `MAML_WORKERS` is not a whole number from 1 to `MOST`.
    """
    chosen = os.environ.get(VARIABLE)
    if not chosen:
        # What torchrun sets is read here, without torch.
        return max(1, available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    if not (re.fullmatch("[0-9]{1,4}", chosen) and 1 <= int(chosen) <= MOST):
        raise ValueError(
            f"{VARIABLE} is {chosen!r}; set it to a whole number from 1 to {MOST}, or leave it out "
            "to take the cores there are."
        )
    return int(chosen)


def available_cores() -> int:
    """Return the cores that the system lets this process run on, 1 or more.

    These are the cores of its affinity (taskset, cpusets, Slurm), or as many as the quotas of its
    control groups pay for where those are fewer (containers); a part of a core counts as one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, quota())))


def quota(root: Path = Path("/")) -> float:
    """Return the cores' worth of time that control groups pay for; infinite without a limit.

    A group's limit holds for all groups within it, so that the smallest on the way up counts.

    Args:
        root: The folder with `proc` and `sys` in it.
    """
    limits = [math.inf]
    for folder in _group_folders(root):
        with suppress(OSError, ValueError):  # version 2; "max" is no number
            limit, period = (folder / "cpu.max").read_text().split()
            limits.append(int(limit) / int(period))
        with suppress(OSError, ValueError):  # version 1; -1 is no limit
            limit, period = (
                (folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
            limits.append(int(limit) / int(period) if int(limit) > 0 else math.inf)
    return min(limits)


def _group_folders(root: Path) -> Iterator[Path]:
    """Yield the folders that may say a limit: of this process's groups, and of those around them.

    In a container a group can be named as its host names it, and the container sees the group as
    the outermost.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        number, controllers, group = line.split(":", 2)
        if number == "0":
            mount = mounts
        elif "cpu" in controllers.split(","):
            mount = mounts / controllers
        else:
            continue
        inside = mount.joinpath(*Path(group).parts[1:])
        yield from (folder for folder in (inside, *inside.parents) if folder.is_relative_to(mount))
