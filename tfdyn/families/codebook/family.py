"""The family of codebooks: a network of another family with a few fixed routes."""

import dataclasses

from tfdyn.errors import UserError
from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.codebook.routes_file import load
from tfdyn.families.codebook.settings import CodebookSettings
from tfdyn.families.codebook.stages import codebook_stages
from tfdyn.models.family import Family
from tfdyn.models.routed_model import RoutedModel

READS = frozenset(field.name for field in dataclasses.fields(CodebookSettings))
# Settings of routers that the routers of a codebook read, whatever the family.
OF_ROUTERS = ("router_units", "belief_weight")
# Settings of a family that say which network it is, besides its `overrides`.
OF_NETWORKS = ("sub_blocks", "categories", "model", "preprocessing", "blocks")
OF_NETWORKS += ("exits", "exit_filters")


def codebook_of(family: Family) -> Family:
    """Returns the family of codebooks of a family's networks.

    Args:
        family: `Family` of the networks whose routes are chosen.
    """
    return dataclasses.replace(
        family, stages=codebook_stages, callbacks=lambda settings, model, context: []
    )


def build_codebook(settings, base: RoutedModel) -> Codebook:
    """Builds the untrained network that chooses among the routes of a file.

    Args:
        settings: `Settings` with `codebook`.
        base: `RoutedModel` without routers.

    Raises:
        UserError: If the file does not hold a codebook of this network.
    """
    routes, costs = load(settings.codebook, base.route_spec, settings.network)
    try:
        return Codebook(
            base,
            routes,
            costs,
            settings.router_units,
            settings.trunk_gradient,
            threshold=base.threshold,
            name=f"{base.name}_codebook",
        )
    except UserError as error:
        raise UserError(f"--codebook={settings.codebook}: {error}") from error
