"""What meta-training saves where one inner step moves the head alone.

    python -m benchmarks.timing.head_only

A head of one row stands for rows of zeros: one step from there leaves the body as it is, and a
meta-gradient of 20-way tasks runs it once. The same zeros as 20 rows are differentiated like any
other. Both in turn, on built-in glyphs; processor time, the median of the ratios.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch

from maml_core.config import TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.pretraining import with_new_head
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.networks.params import Params
from maml_core.training.meta_training import task_stream


def main() -> None:
    """Print the ratio for 1-shot and 5-shot tasks, queries normalised together and alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=15, help="of each kind")
    updates = parser.parse_args().updates
    torch.set_num_threads(1)
    data = registry.load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "validation"))
    model = Conv4()
    one_row = initial_params(model, 0)
    for k_shot in (1, 5):
        for transductive in (True, False):
            config = TrainConfig(
                n_ways=(20,),
                k_shots=(k_shot,),
                q_query=3,
                meta_batch_size=4,
                meta_steps=updates + 1,
                transductive=transductive,
            )

            def seconds(params: Params, tasks: TaskBatch, config: TrainConfig = config) -> float:
                began = time.process_time()
                META_GRADIENTS["maml"](model, params, tasks, config)
                return time.process_time() - began

            ratios = [
                seconds(one_row, tasks) / seconds(with_new_head(one_row, 20), tasks)
                for tasks in task_stream(pool, config)
            ]
            how = "together" if transductive else "alone"
            print(f"20-way {k_shot}-shot, queries {how}: {median(ratios[1:]):.2f} of the time")


if __name__ == "__main__":
    main()
