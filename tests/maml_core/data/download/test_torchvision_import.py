"""torchvision beside a CPU build of torch."""

from __future__ import annotations

import gc

import pytest
import torch

from maml_core.data.download import torchvision_import
from maml_core.data.download.torchvision_import import import_torchvision_datasets
from maml_core.data.omniglot import PARTS


def test_torchvision_can_be_imported_and_its_operators_stay():
    official = import_torchvision_datasets().Omniglot
    assert set(official.zips_md5) == set(PARTS)
    gc.collect()
    assert callable(torch.ops.torchvision.nms)
    assert import_torchvision_datasets().Omniglot is official


def test_other_failures_of_the_import_are_not_hidden(monkeypatch):
    def fail(_):
        raise RuntimeError("another cause")

    monkeypatch.setattr(torchvision_import.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="another cause"):
        import_torchvision_datasets()
