"""Imports torchvision also beside a CPU build of torch, where its operators cannot load."""

from __future__ import annotations

import importlib
import threading
from typing import Any

# Data sets and transforms use neither operator, but torchvision stops at import without them.
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

# An operator lives only as long as the library object that declares it.
_declared: list[Any] = []
_importing = threading.Lock()


def import_torchvision_datasets() -> Any:
    """Return `torchvision.datasets`, declaring the operators first if their lack stops it.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: torchvision does not fit torch for another reason.
    """
    with _importing:
        try:
            return importlib.import_module("torchvision.datasets")
        except RuntimeError as error:
            if _declared or "operator torchvision::nms does not exist" not in str(error):
                raise
        torch_library: Any = importlib.import_module("torch.library")
        _declared.append(torch_library.Library("torchvision", "FRAGMENT"))
        for operator in OPERATORS:
            _declared[0].define(operator)
        return importlib.import_module("torchvision.datasets")
