"""What is computed in another process is what would be computed here, and its end harms nobody."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from maml_core.config import SettingError
from maml_core.networks.conv4 import Conv4
from maml_core.optimisation import worker_process
from maml_core.optimisation.worker_process import (
    MOST_KNOWN,
    CannotBeSent,
    ProcessEnded,
    WorkerProcess,
)


@pytest.fixture(scope="module")
def process() -> Iterator[WorkerProcess]:
    one = WorkerProcess()
    yield one
    one.end()


def raise_setting_error(value: int) -> None:
    raise SettingError("{n_way} is {value}.", value=value)


class OddError(Exception):
    """Is packed and cannot be read again."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raise_odd_error(value: int) -> None:
    raise OddError(value, 2)


def print_and_return(value: int) -> int:
    print("not an answer")
    return value


def pid_and_threads(_: object) -> tuple[int, int]:
    return os.getpid(), torch.get_num_threads()


def itself(value: Tensor) -> Tensor:
    return value


def n_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_another_process_computes_with_one_thread(process: WorkerProcess) -> None:
    pid, threads = process.call(pid_and_threads, None)
    assert pid != os.getpid()
    assert threads == 1


@pytest.mark.parametrize(
    "value",
    [
        torch.arange(6.0).view(2, 3).mT,
        torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        torch.tensor(3.5, dtype=torch.float64),
        torch.zeros(0, 4),
        torch.ones(1, 3).expand(4, 3),
        torch.tensor([True, False]),
        torch.rand(2, requires_grad=True),
    ],
)
def test_tensors_come_back_as_they_were(process: WorkerProcess, value: Tensor) -> None:
    found = process.call(itself, value)
    assert found.dtype == value.dtype
    assert found.requires_grad == value.requires_grad
    assert torch.equal(found, value)


def test_what_is_raised_there_is_raised_here(process: WorkerProcess) -> None:
    with pytest.raises(SettingError, match="7"):
        process.call(raise_setting_error, 7)
    with pytest.raises(RuntimeError, match="OddError: 7 and 2"):
        process.call(raise_odd_error, 7)
    assert process.call(abs, -3) == 3, "though it has raised"


def test_what_is_printed_there_is_no_answer(process: WorkerProcess) -> None:
    assert process.call(print_and_return, 5) == 5


def test_what_cannot_be_sent_is_said_and_not_begun(process: WorkerProcess) -> None:
    with pytest.raises(CannotBeSent):
        process.call(lambda value: value, 1)
    with pytest.raises(CannotBeSent):
        process.call(abs, threading.Lock())
    assert process.call(abs, -3) == 3


def test_a_network_is_sent_once_as_long_as_it_is_known(process: WorkerProcess) -> None:
    known: dict[int, nn.Module | None] = {}
    model = Conv4(5)
    first = worker_process._packed(model, known)
    assert len(worker_process._packed(model, known)) < 100 < len(first)
    models = [nn.Linear(n, 1, bias=False) for n in range(1, MOST_KNOWN + 9)]
    for _ in range(2):
        for n, one in enumerate(models, 1):
            assert process.call(n_parameters, one) == n
        assert process.call(n_parameters, model) == n_parameters(model)


def test_a_process_that_ends_says_so() -> None:
    process = WorkerProcess()
    process._process.kill()
    with pytest.raises(ProcessEnded):
        process.call(abs, -3)
    process.end()


def compute_for(seconds: float) -> float:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def test_a_process_that_hangs_is_given_up_and_one_that_computes_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system does not tell how long a process has computed")
    one = WorkerProcess()
    assert one.call(len, "abc") == 3
    monkeypatch.setattr(worker_process, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(worker_process, "HANGING_SECONDS", 0.5)
    assert one.call(compute_for, 1.5) == 1.5
    os.kill(one._process.pid, signal.SIGSTOP)
    with pytest.raises(ProcessEnded):
        one.call(len, "abc")
    one.end()
