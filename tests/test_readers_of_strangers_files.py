"""Whatever is done to a file, its reader reads it or raises its own error, a sentence."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from maml_core.data.character_set import DataError
from maml_core.data.own_pictures.layouts import REMEDY, find_pictures
from maml_core.data.own_pictures.tables import read_table
from maml_core.data.storage.archives import open_archive
from maml_core.evaluation.records import RecordError, load_records
from maml_core.images.board import Board, board_from_json, board_to_json, cell_from_strokes
from maml_core.images.decoding import PictureError, decode_image
from maml_core.images.uploads import Upload, read_zip
from maml_core.learners.checkpoints import (
    Checkpoint,
    CheckpointError,
    from_bytes,
    to_bytes,
)
from maml_core.learners.learner import random_learner
from maml_core.learners.training_classes import splits_trained_on
from maml_core.teaching.lessons import LessonError, parse
from pages.shared import link_settings
from pages.shared.frame.links.short_links import ShortLinkError, decode, encode

EXAMPLES = 300  # of each reader
MIN_REFUSED = 20  # or the changes are too small
ODD_JSON = [
    "9" * 400, "-" + "9" * 5_000, "1e999", "NaN", "-Infinity", "null", "true", '""', "[]", "{}",
    "[" * 3_000, "[" * 3_000 + "]" * 3_000, '"\\ud800"', "-1", "0.5", "1e38", '{"a": [1]}',
]  # fmt: skip
ODD_BYTES = [b"\0", b"\xff" * 8, b"\r", b"\n", b'"', b";", b"\t", b"\xe9", b"PK\3\4", b"+++", b"]("]
_VALUE = re.compile(rb'-?\d+\.?\d*|"[^"]*"|true|false|null')


def mutated(content: bytes, seed: int, as_text: bool) -> bytes:
    """Change a file in one to four places: bits, bytes, whole parts, or values of its JSON."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        end = min(len(content), at + chance.choice((1, 4, 30)))
        kind = chance.randrange(7 if as_text else 5)
        if kind == 0 and at < len(content):
            content = (
                content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
            )
        elif kind == 1:
            content = content[:at] + chance.randbytes(end - at) + content[end:]
        elif kind == 2:
            content = content[:at] + content[end:]
        elif kind == 3:
            content = content[:at] + chance.choice(ODD_BYTES) + content[at:]
        elif kind == 4:
            content = chance.choice((content[:at], content + content[at:end], content[:at] * 2))
        elif found := list(_VALUE.finditer(content)):
            value = chance.choice(found)
            odd = chance.choice(ODD_JSON).encode()
            content = content[: value.start()] + odd + content[value.end() :]
    return content


def png() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12), dtype=np.uint8))


def pictures() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [("PNG", {}), ("GIF", {}), ("JPEG", {"progressive": True})]
    files = []
    for kind, options in [*kinds, ("JPEG", {"exif": exif}), ("WEBP", {"exif": exif})]:
        buffer = io.BytesIO()
        png().save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files


def zips() -> list[bytes]:
    files = []
    tables = {f"{part}.csv": f"filename,label\n{part}0.png,{part}\n{part}1.png,{part}\n"
              for part in ("train", "test")}  # fmt: skip
    folders = {f"{c}/{i}.png": "x" for c in ("a", "é") for i in range(2)}
    named = {f"images/{part}{i}.png": "x" for part in ("train", "test") for i in range(2)}
    for content in (folders, {**tables, **named}):
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", compression) as archive:
                for name, text in content.items():
                    archive.writestr(name, text)
            files.append(buffer.getvalue())
    return files


def boards() -> list[bytes]:
    cell = cell_from_strokes([[(0.2, 0.8), (0.5, 0.2)], [(0.35, 0.55), (0.65, 0.55)]])
    drawn = board_to_json(Board(((cell,), (cell,)), cell))
    old = Path(__file__).parent / "maml_core" / "images" / "files" / "first_layout.board.json"
    return [drawn, old.read_bytes()]


def weights() -> bytes:
    learner = random_learner(0, {"name": "mlp", "hidden": 3})
    assert learner.provenance
    told = {
        "dataset": "omniglot",
        "split": "alphabets",
        "split_seed": 0,
        "seconds": 1.5,
        "config": {"seed": 1},
        "start_trained_on": [["omniglot", "paper", 0]],
        "validation": [{"n_way": 5}],
    }
    return to_bytes(Checkpoint(learner.params, {**learner.provenance.to_json(), **told}))


def metadata_of(content: bytes) -> bytes:
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size])["__metadata__"]["maml_core"].encode()


def with_metadata(content: bytes, metadata: bytes) -> bytes:
    """Return a weights file that says something else of how it came to be."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"]["maml_core"] = metadata.decode("utf-8", "replace")
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + content[8 + size :]


def lesson() -> bytes:
    sections = ("Prediction", "Steps", "Outcome", "Question", "Answer", "Notes")
    parts = "\n".join(f"## {name}\nA [link](adapt?n_way=20) and {{{{seed}}}}." for name in sections)
    return f'+++\ntitle = "A"\nchoices = ["5", "25"]\n+++\nWords.\n\n{parts}\n'.encode()


def _read_archive(content: bytes, folder: Path) -> None:
    path = folder / "set.zip"
    path.write_bytes(content)
    with open_archive(path, REMEDY) as (sizes, read):
        for entry in find_pictures(path, sizes, read).entries:
            read(entry.path)


def _read_results(content: bytes, folder: Path) -> None:
    path = folder / "results.jsonl"
    path.write_bytes(content)
    load_records(path)


def _read_link(content: bytes, folder: Path) -> None:
    decode(content.decode("latin-1"))
    for fits, _ in link_settings.LINK.values():
        fits(content.decode("latin-1"))


def _read_weights(content: bytes, folder: Path) -> None:
    splits_trained_on(from_bytes(content, "file").provenance)


def _results() -> bytes:
    record = {"method": "maml", "split": "paper", "n_way": 5, "k_shot": 1, "accuracy": [0.5, 0.9]}
    return (json.dumps(record) + "\n").encode() * 2


READERS: dict[str, tuple[list[bytes], Callable[[bytes, Path], object], type[Exception], bool]] = {
    "boards": (boards(), lambda c, _: board_from_json(c, "file"), PictureError, True),
    "weights": ([weights()], _read_weights, CheckpointError, True),
    "weights' metadata": (
        [metadata_of(weights())],
        lambda c, folder: _read_weights(with_metadata(weights(), c), folder),
        CheckpointError,
        True,
    ),
    "zips": (zips(), _read_archive, DataError, False),
    "zips on Draw": (zips(), lambda c, _: read_zip(Upload("a.zip", c)), PictureError, False),
    "tables": (
        [b"filename,label\na.png,cat\n", "Filename;Label\r\na.png;Käse\r\n".encode("utf-16")],
        lambda c, _: list(read_table(c, "file")),
        DataError,
        True,
    ),
    "pictures": (pictures(), lambda c, _: decode_image(c, "file"), PictureError, False),
    "results": ([_results()], _read_results, RecordError, True),
    "lessons": (
        [lesson()],
        lambda c, _: parse(c.decode("utf-8", "replace"), ("adapt",), figures={"seed": "3"}),
        LessonError,
        True,
    ),
    "links": (
        [encode("adapt", {"n_way": "20", "methods": ["MAML", "ANIL"]}).encode()],
        _read_link,
        ShortLinkError,
        True,
    ),
}


@pytest.mark.filterwarnings("default")  # Pillow's and zipfile's, of damaged files
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_raises_its_own_error_and_no_other(reader: str, tmp_path: Path) -> None:
    originals, read, error, as_text = READERS[reader]
    for original in originals:
        read(original, tmp_path)
    refusals: list[Exception] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(originals), st.integers(0, 2**32))
    def try_one(original: bytes, seed: int) -> None:
        try:
            read(mutated(original, seed, as_text), tmp_path)
        except error as refusal:
            refusals.append(refusal)

    try_one()
    assert len(refusals) >= MIN_REFUSED
    assert {type(refusal) for refusal in refusals} == {error}
    assert all(str(refusal).endswith(".") for refusal in refusals)
