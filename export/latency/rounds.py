"""Rounds: times things in turn, until their medians are steady."""

import statistics
from collections.abc import Callable, Hashable, Iterable

from tqdm import tqdm

# Medians are steady if their sums after the last 4 rounds differ by at most this share.
STEADY, LAST = 0.003, 4


def alternate(
    measure: Callable[[Hashable], float],
    names: Iterable[Hashable],
    rounds: tuple[int, int],
    done: dict | None = None,
    save: Callable[[dict], None] | None = None,
    title: str = "timing",
) -> dict[Hashable, list[float]]:
    """Times things in rounds, every second one in reverse order.

    If other programs slow the machine for a while, they slow all things alike. A bar
    shows the progress on terminals.

    Args:
        measure: Function that takes a name and returns the time of this thing.
        names: Names of the things, in the order of the first round.
        rounds: Smallest and largest number of rounds. Between them the timing ends
            once the medians are steady.
        done: Times of earlier rounds, as this function returns them. A round that was
            cut off is measured again.
        save: Function that is called with the times after each round.
        title: Title of the bar.

    Returns:
        Mapping from names to times, one for each round.
    """
    (least, most), names = rounds, list(names)
    times = {name: list((done or {}).get(name, ())) for name in names}
    finished = min(map(len, times.values()), default=0)
    times = {name: values[:finished] for name, values in times.items()}
    size = len(names)
    with tqdm(
        desc=title,
        total=most * size,
        initial=finished * size,
        leave=False,
        disable=None,
    ) as bar:
        while finished < most and not (finished >= least and steady(times)):
            for name in reversed(names) if finished % 2 else names:
                times[name].append(measure(name))
                bar.update()
            finished += 1
            if save:
                save(times)
    return times


def steady(times: dict[Hashable, list[float]]) -> bool:
    """Returns whether another round would hardly change the medians.

    Args:
        times: Mapping from names to times, one for each round.
    """
    rounds = len(next(iter(times.values())))
    sums = [
        sum(statistics.median(values[: rounds - back]) for values in times.values())
        for back in range(min(LAST, rounds))
    ]
    return len(sums) == LAST and max(sums) - min(sums) <= STEADY * min(sums)
