"""The hierarchy of WordNet, and categories cut from it."""

import pytest

from tfdyn.data import wordnet

# By id: the first word, and the synsets above. A pet is an animal; a hound is a dog,
# which is a pet and a canine.
SYNSETS = {
    1: ("thing", []),
    2: ("animal", [1]),
    3: ("tool", [1]),
    4: ("canine", [2]),
    5: ("pet", [2]),
    6: ("dog", [4, 5]),
    11: ("hound", [6]),
    12: ("terrier", [6]),
    13: ("wolf", [4]),
    14: ("hamster", [5]),
    15: ("hammer", [3]),
    16: ("saw", [3]),
}
CLASSES = [f"n{number:08}" for number in (11, 12, 13, 14, 15, 16)]
LICENCE = "  1 This software and database is being provided to you\n"


def data_noun():
    lines = [LICENCE]
    for number, (word, above) in SYNSETS.items():
        pointers = "".join(
            f" {'@i' if parent == 5 else '@'} {parent:08} n 0000" for parent in above
        )
        lines.append(
            f"{number:08} 03 n 02 {word} 0 other_word 0 {len(above) + 1:03}{pointers} "
            f"~ 00000099 n 0000 | what is @ 00000098 n called so  \n"
        )
    return "".join(lines)


def is_a():
    pairs = [(p, n) for n, (_, above) in SYNSETS.items() for p in above]
    return "".join(f"n{parent:08} n{number:08}\n" for parent, number in pairs)


def read(tmp_path, text):
    path = tmp_path / "hierarchy.txt"
    path.write_text(text)
    return wordnet.read_hierarchy(path)


@pytest.mark.parametrize("text", [data_noun(), is_a()], ids=["data.noun", "is_a"])
def test_both_files_hold_one_hierarchy(tmp_path, text):
    above, words = read(tmp_path, text)
    assert above == {
        f"n{number:08}": [f"n{parent:08}" for parent in parents]
        for number, (_, parents) in SYNSETS.items()
    }
    assert words in ({}, {f"n{n:08}": word for n, (word, _) in SYNSETS.items()})


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"thing": CLASSES}),
        # Three of the six are pets, and three are canines: of equals, the larger id.
        (2, {"thing": "wolf hammer saw", "pet": "hound terrier hamster"}),
        (3, {"thing": "wolf hammer saw", "pet": "hound terrier", "hamster": "hamster"}),
    ],
)
def test_the_largest_category_is_split_most_evenly(tmp_path, count, expected):
    above, words = read(tmp_path, data_noun())
    categories = wordnet.group(CLASSES[::-1], above, words, count)
    if count > 1:
        categories = {
            name: " ".join(words[synset] for synset in classes)
            for name, classes in categories.items()
        }
    assert categories == expected


def test_there_may_be_as_many_categories_as_classes(tmp_path):
    above, words = read(tmp_path, data_noun())
    categories = wordnet.group(CLASSES, above, words, 6)
    assert sorted(categories.values()) == [[name] for name in CLASSES]


def test_a_synset_without_a_unique_word_has_its_id(tmp_path):
    above, _ = read(tmp_path, is_a())
    assert list(wordnet.group(CLASSES, above, {}, 1)) == ["n00000001"]
    twins = dict.fromkeys(above, "twin")
    names = wordnet.group(CLASSES, above, twins, 2)
    assert all(name.startswith("twin_n000000") for name in names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no synset.*data.noun"),
        (LICENCE, "has no synset"),
        (is_a() + "dog canine\n", "line 13, is not of a hierarchy .*'dog canine'"),
        ('{"dog": ["terrier"]}', "line 1, is not of a hierarchy"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [
        (["n00000011", "tench"], 1, "1 of 2 classes are not in this hierarchy.*tench"),
        (CLASSES, 0, "from 1 to 6 categories; got 0"),
        (CLASSES, 7, "from 1 to 6 categories; got 7"),
    ],
)
def test_what_cannot_be_grouped_is_refused(tmp_path, classes, count, message):
    above, words = read(tmp_path, data_noun())
    with pytest.raises(ValueError, match=message):
        wordnet.group(classes, above, words, count)
