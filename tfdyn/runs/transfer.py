"""Transfer: a new model that starts from the weights of a finished run."""

from tfdyn.errors import UserError


def transfer(folder, model, input_format):
    """Copies the weights of a run into a model of the same network.

    The classifier is copied where the classes agree. Heads that exist in training
    only begin anew: a run does not keep them.

    Args:
        folder: `RunFolder` of a finished run.
        model: `RoutedModel`, built; changed in place.
        input_format: `InputFormat` of the new model.

    Raises:
        ValueError: If the run is of another network.
    """
    source = folder.load_model()
    same_classes = folder.input_format().class_names == input_format.class_names
    weights, others = model.inference_weights, source.inference_weights
    copied = [
        (new, old)
        for new, old in zip(weights, others, strict=False)
        if same_classes or "head" not in new.path.split("/")
    ]
    wrong = [
        new.path
        for new, old in copied
        if new.shape != old.shape or _inner(new) != _inner(old)
    ]
    if wrong or len(weights) != len(others):
        where = f" ({wrong[0]} differs)" if wrong else ""
        raise UserError(
            f"--init_from={folder} is a run of another network than "
            f"{model.name}{where}. Train with the network settings in "
            f"{folder / 'flags.txt'} and pictures of as many channels."
        )
    for new, old in copied:
        new.assign(old)


def _inner(weight):
    # Without the names of the model and of its layers' automatic counters.
    return weight.path.rsplit("/", 1)[-1]
