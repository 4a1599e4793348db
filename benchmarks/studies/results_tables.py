"""Print the README's tables of results from `assets/results.jsonl`.

python -m maml_core evaluate --all --steps 5 --record assets/results.jsonl   # measures
python -m benchmarks.studies.results_tables                               # prints
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maml_core.evaluation import published, results_table
from maml_core.figures.style import STYLES

STEPS = (1, 2, 3, 5)
Record = dict[str, Any]


def main() -> None:
    """Print all tables."""
    print("\n\n".join(tables(results_table.recorded())))


def tables(records: list[Record]) -> list[str]:
    """Return the Markdown tables.

    By step and split; each query alone; the challenge's own runs and drawn anew; N × K.
    """
    usual = [r for r in records if r["transductive"] and not r["within_alphabet"]]
    alone = [r for r in records if not r["transductive"] and not r["within_alphabet"]]
    challenge = [r for r in records if r["within_alphabet"]]
    runs, drawn = ([r for r in challenge if r["official"] == which] for which in (True, False))
    named = [r for r in usual if (r["n_way"], r["k_shot"]) in published.SHAPES]
    found = [by_step([r for r in named if r["split"] == split]) for split in ("alphabets", "paper")]
    found += [by_step(alone), by_step(runs), by_step(drawn), grid(usual)]
    return [table for table in found if table]


def by_step(records: list[Record]) -> str:
    """Return a table with a row a measured row and a column a step."""
    head = ["", "method", *(f"step {step}" for step in STEPS), "n"]
    order = {shape: i for i, shape in enumerate(published.SHAPES)}
    rows = [
        [
            f"{r['n_way']}-way {r['k_shot']}-shot",
            STYLES[r["method"]].label + results_table.how(r),
            *(_cell(r, step) for step in STEPS),
            str(r["episodes"]),
        ]
        for r in sorted(
            records, key=lambda r: (order[r["n_way"], r["k_shot"]], results_table.how(r))
        )
    ]
    return _markdown(head, rows) if rows else ""


def grid(records: list[Record]) -> str:
    """Return MAML's accuracy on the alphabet split after the last step, N down and K across."""
    found = {
        (r["n_way"], r["k_shot"]): r
        for r in records
        if r["method"] == "maml" and r["split"] == "alphabets" and not results_table.how(r)
    }
    head = ["", *(f"K = {k}" for k in results_table.GRID_SHOTS)]
    rows = [
        [
            f"N = {n}",
            *(_cell(found[n, k], -1) if (n, k) in found else "–" for k in results_table.GRID_SHOTS),
        ]
        for n in results_table.GRID_WAYS
    ]
    return _markdown(head, rows) if found else ""


def _cell(record: Record, step: int) -> str:
    values = record["accuracy"]
    if len(values) == 1:  # the nearest picture takes no steps
        step = 0
    return f"{100 * values[step]:.1f} ± {100 * record['ci95'][step]:.1f}"


def _markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
