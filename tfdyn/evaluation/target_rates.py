"""Target rates: the threshold T at which a share of the branches' MACs runs."""

import functools

from tfdyn.evaluation.budget import count_validation
from tfdyn.evaluation.threshold_search import largest_threshold


def thresholds_for(rates, evaluator, dataset, batch_size=250):
    """Chooses, for each rate, the largest T that keeps to it on the validation share.

    Args:
        rates: Shares of the branches' MACs that run, on average over the images, above
            0 and at most 1, as DMNN's target rate r; texts of numbers will do.
        evaluator: `Evaluator`.
        dataset: `Dataset` with a validation share.
        batch_size: Images at once.

    Returns:
        A list of dicts: `threshold`, `target_rate`, `validation_rate` (what runs at T)
        and `validation_examples`, ready for JSON.

    Raises:
        ValueError: If a rate is no number in (0, 1] or cannot be kept, or there are no
            validation images.
    """
    rates = [_check(rate) for rate in rates]
    examples = count_validation(dataset) if rates else 0

    @functools.cache  # Rates share thresholds.
    def mean_rate(threshold):
        results = evaluator.on(dataset, "validation", threshold, batch_size)
        return results["executed_share"]

    choices = []
    for rate in rates:
        threshold = largest_threshold(mean_rate, rate, unit="of the branches' MACs")
        choices.append(
            {
                "threshold": threshold,
                "target_rate": rate,
                "validation_rate": mean_rate(threshold),
                "validation_examples": examples,
            }
        )
    return choices


def _check(rate):
    try:
        number = float(rate)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise ValueError(
            f"A target rate is a share of the branches' MACs, above 0 and at most 1; "
            f"got {rate!r}."
        )
    return number
