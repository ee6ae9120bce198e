"""Record of the data that a run was trained on, to say later that they have changed."""

from tfdyn.errors import UserError

SPLITS = ("train", "validation", "test")


def make(dataset) -> dict:
    """Returns what a run records of its data, ready for JSON.

    Args:
        dataset: `Dataset`.

    Returns:
        For each split a dict: `images`, their number; `classes`, the number of images
        of each class, if the labels are in memory; and for the test images
        `labelled_digest`, which changes with the images and their labels, whatever
        their order, if they are in memory.
    """
    names = dataset.input_format.class_names
    record = {}
    for name in SPLITS:
        split = dataset.splits[name]
        record[name] = {"images": split.num_examples}
        if hasattr(split, "count_labels"):
            counts = split.count_labels(len(names)).tolist()
            record[name]["classes"] = dict(zip(names, counts, strict=True))
    digest = dataset.splits["test"].digest()
    if digest:
        record["test"]["labelled_digest"] = digest
    return record


def changes(before: dict, now: dict) -> str:
    """Returns in a few words how data have changed.

    Args:
        before: Record that `make` returned when the run was trained.
        now: Record of the data as they are now.

    Returns:
        Text for people, empty if nothing has changed.
    """
    texts = []
    for name in SPLITS:
        old, new = before.get(name), now[name]
        # A record of an earlier version has a digest of the images alone.
        if not isinstance(old, dict) or all(
            old[key] == new.get(key) for key in old if key != "digest"
        ):
            continue
        if old.get("images") != new["images"]:
            text = f"{new['images']} {name} images instead of {old.get('images')}"
        elif old.get("classes") != new.get("classes"):
            text = f"other numbers of {name} images in the classes"
        else:
            text = f"as many {name} images, but others"
        texts.append(text)
    return ", ".join(texts)


def notice(run, before: dict | None, dataset) -> str:
    """Returns the line that says that a run's data have changed, or may have.

    Args:
        run: `RunFolder`, or its path.
        before: Record that `make` returned when the run was begun; `None` for a run of
            an earlier version, which has none.
        dataset: `Dataset` as it is now.

    Returns:
        Text for people that ends with a line break, empty if nothing has changed.
    """
    if before is None:
        if dataset.name != "folder":
            return ""
        return (
            f"{run} has no record of the images it was trained on: if files have been "
            f"added or removed since, test images may be among them\n"
        )
    now = make(dataset)
    text = changes(before, now)
    if not text:
        return ""
    leak = ""
    if dataset.name == "folder" and before.get("test") != now["test"]:
        leak = "; test images may be among those it was trained on"
    return f"The data have changed since {run} was begun: {text}{leak}\n"


def check_steps(run, before: dict | None, dataset, batch_size: int) -> None:
    """Checks that a training is resumed with as many steps an epoch as it was begun.

    The learning rate falls from step to step, to its end in the last one.

    Args:
        run: `RunFolder`, or its path.
        before: Record of the run, or `None`, as for `notice`.
        dataset: `Dataset` as it is now.
        batch_size: Images in a batch.

    Raises:
        UserError: If another number of training images makes another number of steps.
    """
    train = (before or {}).get("train")
    images = train.get("images") if isinstance(train, dict) else None
    now = dataset.num_examples("train")
    if isinstance(images, int) and images // batch_size != now // batch_size:
        raise UserError(
            f"{run} was begun on {images} training images, {images // batch_size} "
            f"steps an epoch, and now there are {now}: the learning rate would no "
            f"longer fit the epochs. Restore the images, or train on the new ones in "
            f"another --run_dir."
        )
