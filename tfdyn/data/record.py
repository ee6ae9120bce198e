"""Record of the data that a run was trained on, to say later that they have changed."""

SPLITS = ("train", "validation", "test")


def make(dataset) -> dict:
    """Returns what a run records of its data, ready for JSON.

    Args:
        dataset: `Dataset`.

    Returns:
        For each split a dict: `images`, their number; `classes`, the number of images
        of each class, if the labels are in memory; and for the test images `digest`,
        which changes with the images, whatever their order, if they are in memory.
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
        record["test"]["digest"] = digest
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
        if old == new or not isinstance(old, dict):
            continue
        if old.get("images") != new["images"]:
            text = f"{new['images']} {name} images instead of {old.get('images')}"
        elif old.get("classes") != new.get("classes"):
            text = f"other numbers of {name} images in the classes"
        else:
            text = f"as many {name} images, but others"
        texts.append(text)
    return ", ".join(texts)
