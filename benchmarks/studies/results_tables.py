"""Write the tables of `README.md` and `docs/results.md` from `assets/results.jsonl`.

    python -m maml_core evaluate --all --steps 5 --record assets/results.jsonl  # measures
    python -m benchmarks.studies.results_tables                                # writes

The text of both pages is written by hand. A table stands between the two comments
`<!-- table: name -->` and `<!-- end of table -->` and is replaced whole.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from maml_core.evaluation import published, results_table
from maml_core.evaluation.confidence_intervals import in_points, percent
from maml_core.evaluation.records import above, load_records, paired_errors
from maml_core.figures.style import STYLES
from maml_core.paths import PROJECT

PAGES = (PROJECT / "README.md", PROJECT / "docs" / "results.md")
STEPS = (1, 2, 3, 5)
SUMMARY = ("maml", "pretrained", "nearest-features")
PAIRS = tuple(itertools.combinations(results_table.MAIN, 2))
Record = dict[str, Any]
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main() -> None:
    """Write both pages anew."""
    found = tables(load_records())
    for page in PAGES:
        page.write_text(fill(page.read_text(encoding="utf-8"), found), encoding="utf-8")


def fill(text: str, found: Mapping[str, str]) -> str:
    """Return a page with its tables replaced.

    Raises:
        KeyError: The page names a table that is not among those `found`.
    """
    return _TABLE.sub(lambda place: f"{place[1]}\n{found[place[2]]}\n\n{place[3]}", text)


def tables(records: list[Record]) -> dict[str, str]:
    """Return the Markdown tables by name; those without a row are left out."""
    usual = [r for r in records if r["transductive"] and not r["within_alphabet"]]
    alone = [r for r in records if not r["transductive"] and not r["within_alphabet"]]
    challenge = [r for r in records if r["within_alphabet"]]
    named = [r for r in usual if (r["n_way"], r["k_shot"]) in published.SHAPES]
    found = {
        "summary": summary([r for r in named if r["split"] == "paper"]),
        "unseen-alphabets": by_step([r for r in named if r["split"] == "alphabets"]),
        "unseen-characters": by_step([r for r in named if r["split"] == "paper"]),
        "each-query-alone": by_step(alone),
        "official-runs": by_step([r for r in challenge if r["official"]]),
        "within-one-alphabet": by_step([r for r in challenge if not r["official"]]),
        "every-n-and-k": grid(usual),
        "paired-differences": differences(named),
    }
    return {name: table for name, table in found.items() if table}


def summary(records: list[Record]) -> str:
    """Return the README's table: a row a method, a column a shape, after the last step."""
    plain = [r for r in records if not results_table.views_suffix(r) and r["method"] in SUMMARY]
    measured = {(r["method"], r["n_way"], r["k_shot"]): _cell(r, -1) for r in plain}
    numbers = {
        shape: sorted({r["episodes"] for r in plain if (r["n_way"], r["k_shot"]) == shape})
        for shape in published.SHAPES
    }
    rows = [
        [STYLES[method].label, *(measured.get((method, *shape), "–") for shape in published.SHAPES)]
        for method in SUMMARY
    ]
    (others,) = (one for one in published.PUBLISHED if one.method == "MAML")
    rows.append(
        [f"*Published: MAML, {others.source}*", *(others.accuracy[s] for s in published.SHAPES)]
    )
    rows.append(["*n*", *(" or ".join(f"{n:,}" for n in numbers[s]) for s in published.SHAPES)])
    head = ["", *(f"{n}-way {k}-shot" for n, k in published.SHAPES)]
    return markdown_table(head, rows) if measured else ""


def by_step(records: list[Record]) -> str:
    """Return a table with a row a measured row and a column a step.

    The last column is how far a row is above MAML's own in the episodes that both have: those of
    600 may be harder than all 3,000.
    """
    head = ["", "method", *(f"step {step}" for step in STEPS), "n", "− MAML"]
    maml = {
        (r["n_way"], r["k_shot"]): r
        for r in records
        if r["method"] == "maml" and not results_table.views_suffix(r)
    }
    order = {shape: i for i, shape in enumerate(published.SHAPES)}
    rows = [
        [
            f"{r['n_way']}-way {r['k_shot']}-shot",
            results_table.label_of(
                r, {name: STYLES[name].short_label for name in r["members"] or [r["method"]]}
            ),
            *(_cell(r, step) for step in STEPS),
            str(r["episodes"]),
            _above(r, maml.get((r["n_way"], r["k_shot"]))),
        ]
        for r in sorted(
            records, key=lambda r: (order[r["n_way"], r["k_shot"]], results_table.views_suffix(r))
        )
    ]
    return markdown_table(head, rows) if rows else ""


def _above(record: Record, maml: Record | None) -> str:
    """Return how many points a row is above MAML's, with ± where the errors of both are known."""
    if record is maml:
        return ""
    difference, half = above(record, maml) if maml else (math.nan, math.nan)
    return "–" if math.isnan(difference) else in_points(difference, half, 2)


def differences(records: list[Record]) -> str:
    """Return a table with a row a pair of main methods and a column a shape.

    Pairs whose errors were not recorded are left out.
    """
    found = {
        (r["split"], r["method"], r["n_way"], r["k_shot"]): r
        for r in records
        if not results_table.views_suffix(r)
    }
    rows = []
    for split, (first, second) in itertools.product(reversed(results_table.TABLE_SPLITS), PAIRS):
        pairs = [
            (found.get((split, first, *s)), found.get((split, second, *s)))
            for s in published.SHAPES
        ]
        cells = [_difference(*pair) for pair in pairs]
        if any(cells):
            names = " − ".join(STYLES[method].short_label for method in (first, second))
            rows.append([split, names, *(cell or "–" for cell in cells)])
    head = ["split", "difference", *(f"{n}-way {k}-shot" for n, k in published.SHAPES)]
    return markdown_table(head, rows) if rows else ""


def _difference(first: Record | None, second: Record | None) -> str:
    """Return a paired difference in points and its n; empty where it is not known."""
    paired = paired_errors(first, second) if first and second else None
    if first is None or second is None or paired is None:
        return ""
    return f"{in_points(*paired, 2)} ({min(first['episodes'], second['episodes'])})"


def grid(records: list[Record]) -> str:
    """Return MAML's accuracy on the alphabet split after the last step, N down and K across."""
    found = {
        (r["n_way"], r["k_shot"]): r
        for r in records
        if r["method"] == "maml" and r["split"] == "alphabets" and not results_table.views_suffix(r)
    }
    head = ["", *(f"K = {k}" for k in results_table.GRID_SHOTS)]
    rows = [
        [
            f"N = {n}",
            *(_cell(found[n, k], -1) if (n, k) in found else "–" for k in results_table.GRID_SHOTS),
        ]
        for n in results_table.GRID_WAYS
    ]
    return markdown_table(head, rows) if found else ""


def _cell(record: Record, step: int) -> str:
    values = record["accuracy"]
    if len(values) == 1:  # the nearest neighbour takes no steps
        step = 0
    return percent(values[step], record["ci95"][step])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, without a last line end."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
