"""What the choosing experiment comes to, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gemini_monai.base.tables import read_table


def table(path: str) -> None:
    """Print what each strategy's five reach among random fives, as Markdown.

    Args:
        path: Table of a run without folds.
    """
    rows = read_table(path)
    print("| data | strategy | Dice | percentile | minus mean | minus worst tenth |")
    print("|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["data"] for row in rows):
        chosen, random = _means([row for row in rows if row["data"] == data])
        tenth = np.sort(random)[: max(1, len(random) // 10)].mean()
        print(f"| {data} | random | {random.mean():.1f} ± {random.std(ddof=1):.1f} | | | |")
        for name, value in chosen.items():
            cells = [f"{value:.1f}", f"{percentile(value, random):.0f}"]
            cells += [f"{value - random.mean():+.1f}", f"{value - tenth:+.1f}"]
            print(f"| {data} | {name} | {' | '.join(cells)} |")


def percentile(value: float, random: np.ndarray) -> float:
    """Share of random draws below a value, in percent; a tie counts half."""
    return 100 * float((random < value).mean() + (random == value).mean() / 2)


def pools(path: str) -> None:
    """Print what each strategy gains over the random fives of its pool, over all pools of the data.

    Args:
        path: Table of a run with folds.
    """
    rows = read_table(path)
    print("| data | strategy | gain over the mean | above it | mean percentile | in spreads |")
    print("|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["data"].split()[0] for row in rows):
        of_data = [row for row in rows if row["data"].split()[0] == data]
        names = dict.fromkeys(row["data"] for row in of_data)
        found = [_means([row for row in of_data if row["data"] == name]) for name in names]
        spread = float(np.sqrt(np.mean([random.var(ddof=1) for _, random in found])))
        print(f"| {data} | random | spread {spread:.1f} | | | |")
        for strategy in found[0][0]:
            gains = [chosen[strategy] - random.mean() for chosen, random in found]
            shares = [percentile(chosen[strategy], random) for chosen, random in found]
            each = ", ".join(f"{gain:+.1f}" for gain in gains)
            cells = [f"{np.mean(gains):+.1f} ({each})", f"{np.sum(np.array(gains) > 0)}"]
            cells += [f"{np.mean(shares):.0f}", f"{np.mean(gains) / spread:+.2f}"]
            print(f"| {data} | {strategy} | {' | '.join(cells)} |")


def _means(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, float], np.ndarray]:
    """Dice in percent of each strategy's five and of each random five, mean over the seeds."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["strategy"], row["draw"]), []).append(100 * float(row["dice"]))
    means = {key: float(np.mean(values)) for key, values in found.items()}
    chosen = {name: value for (name, _), value in means.items() if name != "random"}
    return chosen, np.array([value for (name, _), value in means.items() if name == "random"])
