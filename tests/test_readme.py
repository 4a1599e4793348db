"""The README fits on a screen, its example runs, and tables say what was recorded."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import scipy.stats

import maml_core
from benchmarks.studies import results_tables
from maml_core import config
from maml_core.data.glyphs import dataset
from maml_core.evaluation import results_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 200
OMNIGLOT = os.environ.get("OMNIGLOT_DIR")  # read before a fixture hides it


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_the_notebook_example_runs(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert re.findall(r"^(?:from|import) +(\S+)", example, re.MULTILINE) == ["maml_core"]
    data = (
        request.getfixturevalue("real_omniglot") if OMNIGLOT else dataset.generate(n_alphabets=10)
    )
    monkeypatch.setattr(maml_core, "load", {"omniglot": data}.__getitem__, raising=False)
    exec(compile(example, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["maml", "pretrained"]
    for line in lines:
        accuracy = [float(number) for number in re.findall(r"\d\.\d*", line)]
        assert len(accuracy) == 6
        assert accuracy[0] == pytest.approx(0.2)  # chance
        assert accuracy[-1] > 0.8


@pytest.mark.parametrize("page", results_tables.PAGES, ids=lambda page: page.name)
def test_a_page_is_what_the_recorded_results_make_of_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tables = results_tables.tables(results_table.load_records())
    again = "run python -m benchmarks.studies.results_tables"
    assert results_tables.fill(text, tables) == text, again


def test_every_table_stands_on_one_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in results_tables.PAGES)
    for name, table in results_tables.tables(results_table.load_records()).items():
        assert pages.count(f"<!-- table: {name} -->\n\n{table}\n\n<!-- end of table -->") == 1, name


def test_the_summary_is_the_recorded_last_steps() -> None:
    lines = (ROOT / "assets" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    usual = {"split": "paper", "transductive": True, "rotation_tta": False, "ink_crops": False}
    rows = [r for r in map(json.loads, lines) if usual.items() <= r.items()]
    table = results_tables.tables(results_table.load_records())["summary"].splitlines()
    shapes = [(5, 1), (5, 5), (20, 1), (20, 5)]
    for line, method in zip(table[2:5], ("maml", "pretrained", "nearest-features"), strict=True):
        for cell, (n, k) in zip(line.split(" | ")[1:], shapes, strict=True):
            (row,) = (r for r in rows if (r["method"], r["n_way"], r["k_shot"]) == (method, n, k))
            mean, half = (float(part) for part in cell.strip(" |").split(" ± "))
            assert mean == pytest.approx(100 * row["accuracy"][-1], abs=0.0501)
            assert half == pytest.approx(100 * row["ci95"][-1], abs=0.0501)
    assert table[5] == (
        "| *Published: MAML, Finn et al. 2017, Table 1* "
        "| 98.7 ± 0.4 | 99.9 ± 0.1 | 95.8 ± 0.3 | 98.9 ± 0.2 |"
    )


def test_a_table_shows_each_step_in_percent() -> None:
    record = {
        **results_table.row_key(
            results_table.Row("maml", "alphabets", config.EpisodeSpec(20, 1, 10))
        ),
        "accuracy": [0.05, 0.9, 0.91, 0.92, 0.93, 0.94],
        "ci95": [0.0, 0.001, 0.002, 0.003, 0.004, 0.005],
        "episodes": 7,
    }
    found = results_tables.tables([record])
    assert (
        "| 20-way 1-shot | MAML | 90.0 ± 0.1 | 91.0 ± 0.2 | 92.0 ± 0.3 | 94.0 ± 0.5 | 7 |"
        in found["unseen-alphabets"]
    )
    grid = found["every-n-and-k"]
    assert "| N = 20 | 94.0 ± 0.5 | – |" in grid
    assert "| N = 5 | – | – |" in grid
    turned = {**record, "rotation_tta": True}
    for views in (turned, {**turned, "ink_crops": True}):
        (table,) = results_tables.tables([views]).values()
        how = results_table.views_suffix(views)
        assert how
        assert f"| 20-way 1-shot | MAML{how} | 90.0 ± 0.1 |" in table
    with pytest.raises(KeyError):
        results_tables.tables([{**record, "method": "nobody"}])


def paired(method: str, errors: list[int], **more: object) -> dict[str, object]:
    row = results_table.Row(method, "paper", config.EpisodeSpec(5, 1, 10))
    share = 1 - sum(errors) / 50 / len(errors)
    measured = {"accuracy": [share], "ci95": [0.01], "episodes": len(errors), "errors": errors}
    return {**results_table.row_key(row), "seed": 0, **measured, **more}


def test_differences_are_paired_and_say_their_sign_and_number() -> None:
    """MAML has 1, 2 and 3 errors fewer: 2 of 50, and Student's t with a deviation of 1 of 50."""
    records = [paired("maml", [1, 3, 0]), paired("pretrained", [2, 5, 3, 50])]
    half = 100 / 50 * scipy.stats.t.ppf(0.975, 2) / 3**0.5
    table = results_tables.tables(records)["paired-differences"]
    assert f"| paper | MAML − Pretrained | +4.00 ± {half:.2f} (3) | – | – | – |" in table
    assert table.count("| paper |") == 1
    turned = results_tables.tables([records[0], {**records[1], "errors": [0, 1, 0, 0]}])
    assert "| MAML − Pretrained | −2.00 ± " in turned["paired-differences"]
    assert "paired-differences" not in results_tables.tables([records[0], paired("random", [9])])
    without = {name: value for name, value in records[1].items() if name != "errors"}
    assert "paired-differences" not in results_tables.tables([records[0], without])


def test_the_summary_says_how_many_episodes_each_column_has() -> None:
    records = [paired("maml", [1] * 4), paired("pretrained", [1] * 1_000)]
    assert results_tables.tables(records)["summary"].endswith("| *n* | 4 or 1,000 |  |  |  |")


def test_a_table_that_nobody_makes_is_named() -> None:
    with pytest.raises(KeyError, match="unknown"):
        results_tables.fill("<!-- table: unknown -->\n<!-- end of table -->", {})
