"""Categories: groups of classes of a data set, such as animals and vehicles."""

from tfdyn.data.imagenet_categories import IMAGENET
from tfdyn.errors import UserError
from tfdyn.reading import read_json

# For each data set, its categories and their classes, separated by spaces.
CATEGORIES = {
    "cifar10": {
        "animals": "bird cat deer dog frog horse",
        "vehicles": "airplane automobile ship truck",
    },
    # The superclasses of Krizhevsky (2009).
    "cifar100": {
        "aquatic_mammals": "beaver dolphin otter seal whale",
        "fish": "aquarium_fish flatfish ray shark trout",
        "flowers": "orchid poppy rose sunflower tulip",
        "food_containers": "bottle bowl can cup plate",
        "fruit_and_vegetables": "apple mushroom orange pear sweet_pepper",
        "household_electrical_devices": "clock keyboard lamp telephone television",
        "household_furniture": "bed chair couch table wardrobe",
        "insects": "bee beetle butterfly caterpillar cockroach",
        "large_carnivores": "bear leopard lion tiger wolf",
        "large_man-made_outdoor_things": "bridge castle house road skyscraper",
        "large_natural_outdoor_scenes": "cloud forest mountain plain sea",
        "large_omnivores_and_herbivores": "camel cattle chimpanzee elephant kangaroo",
        "medium_mammals": "fox porcupine possum raccoon skunk",
        "non-insect_invertebrates": "crab lobster snail spider worm",
        "people": "baby boy girl man woman",
        "reptiles": "crocodile dinosaur lizard snake turtle",
        "small_mammals": "hamster mouse rabbit shrew squirrel",
        "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
        "vehicles_1": "bicycle bus motorcycle pickup_truck train",
        "vehicles_2": "lawn_mower rocket streetcar tank tractor",
    },
    # 58, as DMNN has them (section 3.2); which those are is not published.
    "imagenet": IMAGENET,
}

FORM = "{CATEGORY: [CLASS, ...]}"
MEND = f"Name such a JSON file, or one of none, {', '.join(CATEGORIES)}."


def load(name: str) -> dict[str, list]:
    """Returns the categories of a data set and their classes.

    Args:
        name: A key of `CATEGORIES`; or the path of a JSON file
            `{CATEGORY: [CLASS, ...], ...}`; or "none", for no categories.

    Returns:
        Dict from the name of a category to the list of its class names, in the order
        of the file; empty for "none".

    Raises:
        UserError: If the file is not as described.
        OSError: If there is no such file, or it cannot be read.
    """
    if name == "none":
        return {}
    if name in CATEGORIES:
        return {key: classes.split() for key, classes in CATEGORIES[name].items()}
    content = read_json(name, f"a file for --categories ({FORM})", MEND)
    wrong = [
        category
        for category, classes in content.items()
        if not isinstance(classes, list)
        or not all(isinstance(each, str | int) for each in classes)
    ]
    if wrong or not content:
        reason = (
            f"{wrong[0]!r} is no list of classes" if wrong else "it has no category"
        )
        raise UserError(f"--categories={name}: {reason}; {FORM} is expected. {MEND}")
    return content


def of_classes(name: str, class_names) -> list[int]:
    """Returns the index of the category that each class belongs to.

    Args:
        name: Name of the categories, as for `load`.
        class_names: Sequence of strings, the names of the classes by label.

    Returns:
        List of integers, one for each class; empty if there are no categories.

    Raises:
        UserError: If the file is not as described, or a class is in no category, or
            in more than one.
        OSError: If there is no such file, or it cannot be read.
    """
    categories = load(name)
    if not categories:
        return []
    indices = {}
    for index, classes in enumerate(categories.values()):
        for class_name in classes:
            indices.setdefault(str(class_name), []).append(index)
    wrong = [name for name in class_names if len(indices.get(name, [])) != 1]
    if wrong and name in CATEGORIES:
        raise UserError(
            f"--categories={name} is for the classes of {name} alone; it lacks "
            f"{', '.join(wrong[:5])}. Name none, or a JSON file {FORM}."
        )
    if wrong:
        raise UserError(
            f"--categories={name} must list every class in exactly one category; "
            f"in none or in several: {', '.join(wrong[:5])}."
        )
    return [indices[class_name][0] for class_name in class_names]


def names(name: str, class_names) -> list[str]:
    """Returns the name of the category that each class belongs to.

    The arguments and errors are those of `of_classes`.
    """
    category_names = list(load(name))
    return [category_names[index] for index in of_classes(name, class_names)]
