"""Commands that end in no time, called as a function."""

from __future__ import annotations

from maml_core.cli.commands import main

TRAIN = "train --split paper --n-ways 2 --q-query 1 --meta-batch-size 1 --meta-steps 3"
PRETRAIN = "pretrain --split paper --epochs 1 --batch-size 500 --validate-every 0"
EVALUATE = "evaluate --split paper --n-way 3 --q-query 2 --episodes 25 --steps 2"


def call(command, *more):
    return main([*command.split(), *map(str, more)])
