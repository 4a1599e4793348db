"""The ranges and names that settings are chosen from."""

from __future__ import annotations

MIN_WAY, MAX_WAY = 2, 20
MIN_SHOT, MAX_SHOT = 1, 10
MAX_QUERY = 19
MAX_INNER_STEPS = 100
MIN_PROXIMAL, MAX_PROXIMAL = 0.01, 100.0  # λ of iMAML
MIN_BOARDS, MAX_BOARDS = 2, 200  # that make a data set: support and query by different hands
DATASETS = ("omniglot", "glyphs", "drawings", "mnist", "folder", "folder-28", "folder-handwriting")
AS_THEY_ARE, HANDWRITING = "as-they-are", "handwriting"  # how networks see somebody's pictures
VISITOR_ZIP_PREFIX = "zip-"  # begins the names of visitors' zips, see `data.own_pictures`
CLASS_SET_PREFIX = "class-"  # begins the names of what classes drew, see `classroom.drawn_set`
SPLITS = ("alphabets", "paper", "classes", "minimal-1", "minimal-2")
PARTS = ("train", "validation", "test")
DEVICES = ("cpu", "cuda")
MAX_SEED = 2**32 - 1
N_QUESTIONS = 10  # in a round of Play
