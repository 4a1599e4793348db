"""What the README says was measured is what the recorded results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.studies.results_tables import tables
from maml_core import config
from maml_core.evaluation import results_table

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_holds_the_recorded_tables() -> None:
    records = results_table.recorded()
    assert records
    for table in tables(records):
        assert table in README


def test_a_table_shows_each_step_in_percent() -> None:
    record = {
        **results_table.identity(
            results_table.Row("maml", "alphabets", config.EpisodeSpec(20, 1, 10))
        ),
        "accuracy": [0.05, 0.9, 0.91, 0.92, 0.93, 0.94],
        "ci95": [0.0, 0.001, 0.002, 0.003, 0.004, 0.005],
        "episodes": 7,
    }
    by_step, grid = tables([record])
    assert (
        "| 20-way 1-shot | MAML | 90.0 ± 0.1 | 91.0 ± 0.2 | 92.0 ± 0.3 | 94.0 ± 0.5 | 7 |"
        in by_step
    )
    assert "| N = 20 | 94.0 ± 0.5 | – |" in grid
    assert "| N = 5 | – | – |" in grid
    (turned,) = tables([{**record, "rotation_tta": True}])
    assert "| 20-way 1-shot | MAML, four turns | 90.0 ± 0.1 |" in turned
    (close,) = tables([{**record, "rotation_tta": True, "ink_crops": True}])
    assert "| 20-way 1-shot | MAML, four turns and close up | 90.0 ± 0.1 |" in close
    with pytest.raises(KeyError):
        tables([{**record, "method": "nobody"}])
