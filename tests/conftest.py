"""What all tests share: a data folder of their own, a fake Omniglot, and the real one if there."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maml_core.data import omniglot as omniglot_files
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet

pytest_plugins = ["tests.support.class_database"]

# Read before the fixture below hides them from the tests.
REAL_MNIST = os.environ.get("MNIST_DIR") and Path(os.environ["MNIST_DIR"]).resolve()
REAL_OMNIGLOT = os.environ.get("OMNIGLOT_DIR") and Path(os.environ["OMNIGLOT_DIR"]).resolve()


class FakeOmniglot:
    """Random pictures in Omniglot's layout, to be laid out as zips or folders.

    Attributes:
        ink: bool [105, 105] for each path inside the archives, True is ink.
    """

    def __init__(self, classes: dict[str, dict[str, int]], n_drawers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.ink: dict[str, np.ndarray] = {}
        number = 0
        for part, alphabets in classes.items():
            for alphabet, n_characters in alphabets.items():
                for character in range(1, n_characters + 1):
                    number += 1
                    for drawer in range(1, n_drawers + 1):
                        path = (
                            f"{part}/{alphabet}/character{character:02}/{number:04}_{drawer:02}.png"
                        )
                        self.ink[path] = rng.random((105, 105)) < 0.3

    def png(self, path: str) -> bytes:
        """Return a picture as Omniglot stores it: 1 bit, black ink on white."""
        buffer = io.BytesIO()
        Image.fromarray(~self.ink[path]).save(buffer, "PNG")
        return buffer.getvalue()

    def files(self, part: str) -> dict[str, bytes]:
        """Return the files of a part by path, last first: no reader may count on an order."""
        paths = [path for path in self.ink if path.startswith(part)]
        return {path: self.png(path) for path in reversed(paths)}

    def pack(self, part: str, folder: Path) -> Path:
        """Write '<part>.zip' into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / f"{part}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path, png in self.files(part).items():
                archive.writestr(path, png)
        return folder / f"{part}.zip"

    def unpack(self, part: str, folder: Path) -> Path:
        """Write the folder '<part>' into a folder."""
        for path, png in self.files(part).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(png)
        return folder / part


@pytest.fixture
def fake_omniglot() -> FakeOmniglot:
    """Two background alphabets and two evaluation alphabets, 9 characters, 3 drawers each."""
    classes = {
        "images_background": {"Runes": 3, "Angles": 2},
        "images_evaluation": {"Zigzags": 1, "Loops": 3},
    }
    return FakeOmniglot(classes, n_drawers=3, seed=1)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep caches and downloads of a test in a folder of its own, not yet made."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MAML_DATA_DIR", str(folder))
    for name in ("OMNIGLOT_DIR", "MNIST_DIR", "PICTURES_DIR", "MAML_WORKERS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def real_mnist_root() -> Path:
    """The folder of the real MNIST, from MNIST_DIR."""
    if not REAL_MNIST:
        pytest.skip("MNIST_DIR names no folder with the real MNIST")
    return REAL_MNIST


@pytest.fixture(scope="session")
def real_omniglot_root() -> Path:
    """The folder of the real Omniglot, from OMNIGLOT_DIR."""
    if not REAL_OMNIGLOT:
        pytest.skip("OMNIGLOT_DIR names no folder with the real Omniglot")
    return REAL_OMNIGLOT


@pytest.fixture(scope="session")
def real_omniglot(
    real_omniglot_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> CharacterSet:
    """The real Omniglot, decoded once for all tests."""
    return omniglot_files.load(real_omniglot_root, tmp_path_factory.mktemp("omniglot"))


@pytest.fixture(scope="session")
def glyph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the built-in glyphs, drawn for all tests of all workers."""
    of_this_worker = tmp_path_factory.getbasetemp()
    of_the_run = of_this_worker.parent if "PYTEST_XDIST_WORKER" in os.environ else of_this_worker
    registry.load("glyphs", of_the_run / "glyphs")
    return of_the_run / "glyphs"


@pytest.fixture(scope="session")
def glyphs(glyph_folder: Path) -> CharacterSet:
    """The built-in glyphs."""
    return registry.load("glyphs", glyph_folder)
