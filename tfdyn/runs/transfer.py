"""Transfer: starts a new model from the weights of a finished run."""

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.models.pruning import prune
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs.run_folder import RunFolder


def transfer(folder: RunFolder, model: RoutedModel, input_format: InputFormat) -> None:
    """Copies the weights of a run into a model of the same network.

    The weights of the classifier are copied only if the classes are the same. Heads
    that exist only in training keep their initial weights, because a run does not save
    them. A codebook gets the weights of the network whose routes it chooses, without
    its routers and without branches that the codebook lacks; those of a codebook of the
    same routes and classes are all copied.

    Args:
        folder: `RunFolder` of a finished run.
        model: `RoutedModel`, built. It is changed in place.
        input_format: `InputFormat` of the model.

    Raises:
        UserError: If the run is not finished, is of another network, or is a codebook
            that lacks a branch of the model.
    """
    same_classes = folder.input_format().class_names == input_format.class_names
    try:
        copy_weights(folder.load_model(), model, same_classes)
    except UserError as error:
        raise UserError(
            f"--init_from={folder} is a run of another network than {model.name} "
            f"({error}). Train with the network settings in {folder / 'flags.txt'} and "
            f"images of as many channels."
        ) from error


def copy_weights(
    source: RoutedModel, model: RoutedModel, same_classes: bool = True
) -> None:
    """Copies the weights of a model into another one, as `transfer` does.

    Args:
        source: `RoutedModel`, trained. Branches that a codebook lacks are removed.
        model: `RoutedModel`, built. It is changed in place.
        same_classes: Boolean, whether both have the same classes.

    Raises:
        UserError: If they are different networks, or `source` is a codebook that lacks
            a branch of `model`.
    """
    _prune_as(model, source)
    if not (same_classes and _same_routes(model, source)):
        model, source = (getattr(each, "base", each) for each in (model, source))
    weights, source_weights = model.inference_weights, source.inference_weights
    if not _of_routers(model):
        routers = _of_routers(source)
        source_weights = [each for each in source_weights if id(each) not in routers]
    copied = [
        (new, old)
        for new, old in zip(weights, source_weights, strict=False)
        if same_classes or "head" not in new.path.split("/")
    ]
    for new, old in copied:
        if new.shape != old.shape or _name(new) != _name(old):
            raise UserError(f"{new.path} differs")
    if len(weights) != len(source_weights):
        raise UserError(f"{len(weights)} weights, not {len(source_weights)}")
    for new, old in copied:
        new.assign(old)


def _same_routes(*models):
    """Returns whether both are codebooks, or neither, and choose the same routes."""
    one, other = (model.arguments.get("routes") for model in models)
    return one == other


def _prune_as(model, source):
    """Removes from the network of `source` the branches that a codebook lacks."""
    wanted, present = (each.route_spec.branches for each in (model, source))
    missing = [
        f"{branch} in {name}"
        for name, branches in wanted.items()
        for branch in branches
        if branch not in present.get(name, ())
    ]
    if missing and hasattr(source, "base") and wanted.keys() == present.keys():
        raise UserError(
            f"it is a codebook without {missing[0]}, which none of its routes runs"
        )
    if hasattr(model, "base") and not missing:
        prune(getattr(source, "base", source), wanted)


def _of_routers(model):
    routers = (module for module in model.modules if module.kind == "router")
    return {id(weight) for module in routers for weight in module.layer.weights}


def _name(weight):
    # The rest of the path holds counters that differ between two models.
    return weight.path.rsplit("/", 1)[-1]
