"""How many cores are taken: what is said, what the system allows, what processes share."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maml_core.cli.commands import main
from maml_core.optimisation import cores
from maml_core.optimisation.cores import available_cores, quota, worker_count
from maml_core.training.background.queue import TrainingQueue


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (cores.VARIABLE, "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def system(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Lay out what a kernel says of control groups; return the folder that it is in."""
    for name, content in {"proc/self/cgroup": groups, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_the_setting_decides_and_otherwise_the_cores_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: 6)
    assert worker_count() == 6
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert worker_count() == 1, "four processes on six cores"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "7")
    assert worker_count() == 1
    for number in (1, 3, 1024):
        monkeypatch.setenv(cores.VARIABLE, str(number))
        assert worker_count() == number


@pytest.mark.parametrize("value", ["0", "-1", "1025", "two", "2.0", " 2", "²", "9" * 5000])
def test_a_setting_that_is_no_number_of_workers_is_refused_before_anything_else(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cores.VARIABLE, value)
    assert main(["evaluate", "--dataset", "glyphs"]) == 1
    assert capsys.readouterr().err == (
        f"maml_core: MAML_WORKERS is {value!r}; set it to a whole number from 1 to 1024, or leave "
        "it out to take the cores there are.\n"
    )


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone has affinity")
def test_a_process_bound_to_one_core_works_on_one() -> None:
    core = min(os.sched_getaffinity(0))
    script = "from maml_core.optimisation.cores import available_cores; print(available_cores())"
    found = subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "1\n"


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {}, math.inf),
        (  # the group around this one allows less
            "0::/app/web\n",
            {
                "sys/fs/cgroup/app/cpu.max": "50000 100000\n",
                "sys/fs/cgroup/app/web/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/other/cpu.max": "10000 100000\n",
            },
            0.5,
        ),
        (  # a container that does not see the group by the name its host gives it
            "4:memory:/docker/1a\n3:cpu,cpuacct:/docker/1a\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3.0,
        ),
        (
            "1:cpu:/\n0::/\n",
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            math.inf,
        ),
    ],
)
def test_the_smallest_limit_of_the_control_groups_counts(
    groups: str, files: dict[str, str], expected: float, tmp_path: Path
) -> None:
    assert quota(system(tmp_path, groups, files)) == expected


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert quota(tmp_path) == math.inf


@pytest.mark.parametrize(
    ("limit", "expected"), [(0.2, 1), (1.0, 1), (1.5, 2), (2.0, 2), (math.inf, 8)]
)
def test_a_part_of_a_core_counts_as_one(
    limit: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "quota", lambda: limit)
    assert available_cores() == expected


def test_as_many_trainings_run_as_there_are_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cores.VARIABLE, "3")
    assert TrainingQueue()._max_running == 3
