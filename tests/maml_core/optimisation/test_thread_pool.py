"""Work on both cores at once gives what one core gives."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params, logits
from maml_core.optimisation.thread_pool import in_parallel, map_in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(in_parallel(lambda number: number**2, range(50))) == [n**2 for n in range(50)]


def test_threads_that_share_a_network_do_not_see_each_others_parameters() -> None:
    model = Conv4(n_out=3, channels=4)
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    many = [initial_params(model, seed) for seed in range(8)]
    many = [{**p, "head.weight": p["head.weight"] + i} for i, p in enumerate(many)]
    alone = [logits(model, params, x) for params in many]

    def repeatedly(params: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        return [logits(model, params, x) for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        for expected, found in zip(alone, pool.map(repeatedly, many), strict=True):
            for one in found:
                torch.testing.assert_close(one, expected)


@pytest.mark.parametrize("n_items", [1, 4])
def test_work_in_parallel_within_work_in_parallel_is_refused_and_does_not_hang(n_items) -> None:
    def nested(number: int) -> list[int]:
        return list(in_parallel(abs, range(number)))

    def nested_by_key(number: int) -> dict[str, int]:
        return map_in_parallel(abs, {"a": number})

    for function in (nested, nested_by_key):
        with pytest.raises(RuntimeError, match="was itself to be done in parallel"):
            list(in_parallel(function, range(n_items)))
    assert list(in_parallel(abs, range(4))) == [0, 1, 2, 3], "the threads are free again"
