"""Categories: which classes of a data set belong together."""

import json

from tfdyn.errors import UserError

# Name: mapping from categories to their classes.
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
}


def load(name):
    """Returns a mapping from categories to lists of their classes.

    Args:
        name: "none", for no categories; one of `CATEGORIES`; or the path of a JSON
            file, `{CATEGORY: [CLASS, ...], ...}`.

    Raises:
        ValueError: If it is none of these.
    """
    if name == "none":
        return {}
    if name in CATEGORIES:
        return {key: classes.split() for key, classes in CATEGORIES[name].items()}
    try:
        with open(name, encoding="utf-8") as file:
            content = json.load(file)
        if not all(isinstance(classes, list) for classes in content.values()):
            raise UserError("a category is not a list of classes")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"--categories={name} cannot be read ({error}): expected none, "
            f"{', '.join(CATEGORIES)}, or a JSON file {{CATEGORY: [CLASS, ...]}}."
        ) from error
    return content


def of_classes(name, class_names):
    """Returns the index of each class's category, a list; none for no categories.

    Args:
        name: As for `load`.
        class_names: Names of the classes, in the order of the labels.

    Raises:
        ValueError: If a class is in no category, or in two.
    """
    categories = load(name)
    if not categories:
        return []
    found = {}
    for index, classes in enumerate(categories.values()):
        for each in classes:
            found.setdefault(str(each), []).append(index)
    wrong = [each for each in class_names if len(found.get(each, [])) != 1]
    if wrong:
        raise UserError(
            f"--categories={name} must have every class of the data in one category; "
            f"{', '.join(wrong[:5])} {'is' if len(wrong) == 1 else 'are'} not."
        )
    return [found[each][0] for each in class_names]


def names(name, class_names):
    """Returns the name of each class's category, a list; none for no categories.

    Arguments and errors are those of `of_classes`.
    """
    known = list(load(name))
    return [known[index] for index in of_classes(name, class_names)]
