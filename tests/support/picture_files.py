"""Files of pictures as people bring them: squares, folders of them, zips."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def save_square(path: Path, shade: int) -> None:
    """Write a picture of a square on white."""
    pixels = np.full((20, 20), 255, dtype=np.uint8)
    pixels[5:15, 5:15] = shade
    Image.fromarray(pixels).save(path)


def save_pets(root: Path) -> Path:
    """Write two classes of three pictures, no two of them alike."""
    for number, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for i in range(3):
            save_square(root / name / f"{i}.png", 20 * i + number)
    return root


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    """Write files by their paths below a folder; return the folder."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def zip_files(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip of files by their paths in it; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
