"""Rounds: many files timed in turn, until their medians are steady."""

import statistics

from tqdm import tqdm

# The sums of the medians after the last rounds differ by no more than this share.
STEADY, LAST = 0.003, 4


def alternate(measure, names, rounds, runs, done=None, save=None):
    """Times files in rounds, every second one in reverse order; a bar on terminals.

    Args:
        measure: Function of a device's session, of a name and `runs`.
        names: What it is to time.
        rounds: How many at least and at most: it ends when the medians are steady.
        runs: Runs of a file in a round.
        done: Times of rounds that were done before, as returned, or `None`.
        save: Called with the times after each round, or `None`.

    Returns:
        Mapping from names to lists of times in ms, one a round.
    """
    (least, most), names = rounds, list(names)
    times = {name: list((done or {}).get(name, ())) for name in names}
    finished = min(map(len, times.values()))
    times = {name: own[:finished] for name, own in times.items()}
    size = len(names)
    with tqdm(
        desc="timing",
        total=most * size,
        initial=finished * size,
        leave=False,
        disable=None,
    ) as bar:
        while finished < most and not (finished >= least and steady(times)):
            for name in reversed(names) if finished % 2 else names:
                times[name].append(measure(name, runs=runs))
                bar.update()
            finished += 1
            if save:
                save(times)
    return times


def steady(times):
    """Tells whether another round is not expected to change the medians.

    Args:
        times: Mapping from names to lists of times, one a round.
    """
    rounds = len(next(iter(times.values())))
    sums = [
        sum(statistics.median(own[: rounds - back]) for own in times.values())
        for back in range(min(LAST, rounds))
    ]
    return len(sums) == LAST and max(sums) - min(sums) <= STEADY * min(sums)
