"""How often branches run for the images of each class, or of each category."""

import numpy as np

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, short
from tfdyn.routing.route import RouteSpec

# The most branches and groups in a picture.
BRANCHES, GROUPS = 24, 20
# Branches whose share differs less between groups are left out.
LEAST = 0.01


def use_by_group(
    name: str,
    groups: list[str],
    of_image: np.ndarray,
    runs: np.ndarray,
    spec: RouteSpec,
) -> Picture | None:
    """Returns a picture of the branches that run more often for some groups.

    Args:
        name: What the groups are: "class" or "category".
        groups: Names of the groups.
        of_image: Index of the group of each image, `(n,)`.
        runs: Boolean array `(n, branches)`, which branches run for each image.
        spec: `RouteSpec` of the network.

    Returns:
        The picture; `None` if all branches run equally often for all groups.
    """
    there = np.flatnonzero(np.bincount(of_image, minlength=len(groups)))
    shares = np.stack([runs[of_image == group].mean(axis=0) for group in there])
    spread = np.ptp(shares, axis=0)
    rows = np.sort(np.argsort(-spread, kind="stable")[:BRANCHES])
    rows = rows[spread[rows] >= LEAST]
    if not len(rows):
        return None
    # Of many groups, those that are most unlike all.
    distance = np.abs(shares - shares.mean(axis=0)).sum(axis=1)
    columns = np.sort(np.argsort(-distance, kind="stable")[:GROUPS])
    branches = [
        f"{op} {branch}" for op, part in spec.branches.items() for branch in part
    ]
    names = [groups[there[column]] for column in columns]
    shown = shares[columns][:, rows].T

    def draw(path):
        with figure(path, (WIDTH, 0.36 * len(rows) + 2)) as axes:
            axes.grid(False)
            image = axes.imshow(shown, aspect="auto", vmin=0, vmax=1, cmap="viridis")
            axes.set_xticks(
                range(len(names)), [short(name, 16) for name in names], fontsize=8
            )
            axes.tick_params("x", rotation=60)
            texts = [
                "\n".join(short(part, 32) for part in branches[row].split())
                for row in rows
            ]
            axes.set_yticks(range(len(rows)), texts, fontsize=8)
            axes.figure.colorbar(image)

    texts = []
    for row in rows[np.argsort(-spread[rows], kind="stable")][:5]:
        low, high = shares[:, row].argmin(), shares[:, row].argmax()
        texts.append(
            f"{branches[row]}: {100 * shares[low, row]:.1f} % for "
            f"{groups[there[low]]}, {100 * shares[high, row]:.1f} % for "
            f"{groups[there[high]]}"
        )
    left_out = spec.size - len(rows)
    title = (
        f"Share of images that run a branch, by {name}. The {len(rows)} branches that "
        f"differ most; {left_out} others are left out."
    )
    if len(columns) < len(there):
        title += f" {len(columns)} of {len(there)}, those most unlike the others."
    return Picture(
        f"use_by_{name}",
        title,
        f"Branches that differ most by {name}. {'; '.join(texts)}.",
        draw,
    )
