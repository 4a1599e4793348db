"""What a person may choose, as frozen records that check themselves."""

from __future__ import annotations

from maml_core.config.checks import SettingError, check_choice
from maml_core.config.episodes import (
    CHALLENGE,
    OFFICIAL_RUNS,
    AdaptConfig,
    EpisodeSpec,
    EvaluationConfig,
)
from maml_core.config.ranges import (
    AS_THEY_ARE,
    CLASS_SET_PREFIX,
    DATASETS,
    DEVICES,
    HANDWRITING,
    MAX_BOARDS,
    MAX_INNER_STEPS,
    MAX_QUERY,
    MAX_SEED,
    MAX_SHOT,
    MAX_WAY,
    MIN_BOARDS,
    MIN_SHOT,
    MIN_WAY,
    N_QUESTIONS,
    PARTS,
    SPLITS,
    VISITOR_ZIP_PREFIX,
)
from maml_core.config.training import (
    META_METHODS,
    Demands,
    PretrainConfig,
    SinusoidConfig,
    TrainConfig,
)

__all__ = [
    "AS_THEY_ARE",
    "CHALLENGE",
    "CLASS_SET_PREFIX",
    "DATASETS",
    "DEVICES",
    "HANDWRITING",
    "MAX_BOARDS",
    "MAX_INNER_STEPS",
    "MAX_QUERY",
    "MAX_SEED",
    "MAX_SHOT",
    "MAX_WAY",
    "META_METHODS",
    "MIN_BOARDS",
    "MIN_SHOT",
    "MIN_WAY",
    "N_QUESTIONS",
    "OFFICIAL_RUNS",
    "PARTS",
    "SPLITS",
    "VISITOR_ZIP_PREFIX",
    "AdaptConfig",
    "Demands",
    "EpisodeSpec",
    "EvaluationConfig",
    "PretrainConfig",
    "SettingError",
    "SinusoidConfig",
    "TrainConfig",
    "check_choice",
]
