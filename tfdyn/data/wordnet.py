"""WordNet: groups the classes of ImageNet by the hierarchy of their names.

A synset is a node of WordNet, a set of words of one meaning. Its id is "n" and eight
digits, as in the class names of ImageNet: "n02084071" is dog.
"""

import re

from tfdyn.errors import UserError
from tfdyn.reading import read_text

MEND = (
    "Expected is WordNet 3.0's data.noun (Debian's package wordnet-base has it in "
    "/usr/share/wordnet) or ImageNet's wordnet.is_a.txt."
)
# A line of data.noun: offset, file, "n", number of words, the words and their ids,
# number of pointers, the pointers, a bar, and an explanation. "@" and "@i" point to the
# synset above.
NOUN = re.compile(r"(\d{8}) \d\d n [0-9a-f]{2} (\S+) .*?\|")
ABOVE = re.compile(r" @i? (\d{8}) n ")
# A line of wordnet.is_a.txt: a synset, and one that is below it.
IS_A = re.compile(r"(n\d{8})\s+(n\d{8})")


def read_hierarchy(path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Reads the hierarchy of WordNet's nouns.

    Args:
        path: Path of WordNet's `data.noun` or of ImageNet's `wordnet.is_a.txt`. The ids
            of ImageNet are those of WordNet 3.0.

    Returns:
        Pair of mappings by the id of a synset: the list of the synsets that stand right
        above it; and its first word. `wordnet.is_a.txt` has no words.

    Raises:
        UserError: If the file is neither of the two.
        OSError: If it cannot be read.
    """
    text = read_text(path, "a hierarchy of WordNet", MEND)
    above, words = {}, {}
    for number, line in enumerate(text.splitlines(), 1):
        noun, is_a = NOUN.match(line), IS_A.fullmatch(line.strip())
        if noun:
            synset = "n" + noun[1]
            words[synset] = noun[2]
            above[synset] = ["n" + offset for offset in ABOVE.findall(noun[0])]
        elif is_a:
            above.setdefault(is_a[1], [])
            above.setdefault(is_a[2], []).append(is_a[1])
        elif line.strip() and not line.startswith("  "):  # The licence is indented.
            raise UserError(
                f"{path}, line {number}, is not of a hierarchy of WordNet: "
                f"{line[:40]!r}. {MEND}"
            )
    if not above:
        raise UserError(f"{path} has no synset. {MEND}")
    return above, words


def group(
    class_names: list[str],
    above: dict[str, list[str]],
    words: dict[str, str],
    count: int = 58,
) -> dict[str, list[str]]:
    """Groups classes into a number of categories by the hierarchy of WordNet.

    DMNN (section 3.2) has 58 categories of the 1000 classes of ImageNet, made "with the
    help of the hierarchical structure". How, and which, is not published. A cut at one
    depth would have one category of 398 animals and 46 of a single class (83 in all, at
    depth 6). Here all classes are one category at first. Then, again and again, the
    largest category is split in two: into the classes below one synset, and the rest.
    Of all synsets, the one that splits it most evenly is taken. So categories are about
    equally large, and their number is exact.

    Args:
        class_names: Ids of the classes.
        above: For each synset, the synsets right above it (`read_hierarchy`).
        words: Words of the synsets. A synset without a word is named by its id.
        count: Number of categories, from 1 to the number of classes.

    Returns:
        Mapping from the name of a category, a synset's, to its classes. Of those below
        the synset, the ones that got a category of their own are not among them.

    Raises:
        UserError: If a class is not in the hierarchy, or there cannot be as many
            categories.
    """
    class_names = sorted(set(class_names))
    missing = [name for name in class_names if name not in above]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(class_names)} classes are not in this hierarchy, "
            f"such as {missing[0]!r}. {MEND}"
        )
    if not 1 <= count <= len(class_names):
        raise UserError(
            f"The {len(class_names)} classes can have from 1 to {len(class_names)} "
            f"categories; got {count}."
        )
    below = {}
    for name in class_names:
        for synset in _with_all_above(name, above):
            below.setdefault(synset, set()).add(name)
    categories = {max(below, key=lambda synset: len(below[synset])): set(class_names)}
    while len(categories) < count:
        largest = max(categories, key=lambda synset: (len(categories[synset]), synset))
        members = categories[largest]

        def evenness(synset, members=members):
            inside = len(below[synset] & members)
            return min(inside, len(members) - inside), synset

        best = max(below.keys() - categories.keys(), key=evenness)
        categories[best] = members & below[best]
        categories[largest] = members - below[best]
    names = [words.get(synset, synset) for synset in categories]
    return {
        name if names.count(name) == 1 else f"{name}_{synset}": sorted(members)
        for name, (synset, members) in zip(names, categories.items(), strict=True)
    }


def _with_all_above(synset, above):
    """Returns the set of a synset and of all synsets above it."""
    synsets, to_visit = set(), [synset]
    while to_visit:
        synset = to_visit.pop()
        if synset not in synsets:
            synsets.add(synset)
            to_visit += above.get(synset, [])
    return synsets
