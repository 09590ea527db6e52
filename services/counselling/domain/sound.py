"""How a name sounds, whoever wrote it down and in which script: the consonants that its spellings have in common.

The same name comes as Mohammed, Muhamed, Mehmet or محمد, as Jawad, Javad, Dževad or جواد: transliterations differ in
vowels and in which letter stands for a sound of another language. What is left here are classes of consonants, and where a
letter may stand for two sounds, both. It finds too much rather than too little; whoever looks at what was found decides.
"""
# ruff: noqa: RUF001, RUF003 -- a letter of another script is no mistake here

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Final

from anyascii import anyascii

# The consonants of the Arabic script as it is written from Morocco to Bengal, each with the classes that it is heard as:
# B b p, C ch j, D d t, F f, H h kh, K k g q gh, L l, M m, N n, R r, S s sh z. What is no consonant everywhere (و ی ه at
# the end, ع and hamza) is not written down in Latin alike, and is left out.
_ARABIC: Final[Mapping[str, str]] = {
    **dict.fromkeys("بپٻݐ", "B"), **dict.fromkeys("تٹټدڈډطةۃ", "D"), **dict.fromkeys("ثذظ", "SD"), "ض": "DS",
    **dict.fromkeys("جچځڇ", "C"), **dict.fromkeys("حخهہۀ", "H"), **dict.fromkeys("رڑړڕ", "R"), **dict.fromkeys("زژږسشښصڗ", "S"),
    **dict.fromkeys("غقکكګگڪڭ", "K"), "ف": "F", "ڤ": "", "څ": "CS", **dict.fromkeys("لڵ", "L"), "م": "M", **dict.fromkeys("نںڼڻ", "N"),
}  # fmt: skip
# Latin letters, the longest group first; a letter that is not here is a vowel or sounds like one.
_LATIN: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    ("tsch", ("C",)), ("dsch", ("C",)), ("dzh", ("C",)), ("sch", ("S",)), ("tch", ("C",)),
    ("dj", ("C",)), ("dz", ("C", "DS")), ("ch", ("C", "H")), ("kh", ("H",)), ("gh", ("K", "")), ("sh", ("S",)), ("zh", ("S",)),
    ("th", ("D", "S")), ("dh", ("D", "S")), ("ph", ("F",)), ("ts", ("S",)), ("ck", ("K",)), ("bh", ("B",)),
    ("b", ("B",)), ("p", ("B",)), ("c", ("C", "K")), ("d", ("D",)), ("t", ("D",)), ("f", ("F",)), ("g", ("K", "C")),
    ("h", ("H",)), ("j", ("C", "")), ("k", ("K",)), ("l", ("L",)), ("m", ("M",)), ("n", ("N",)), ("q", ("K",)),
    ("r", ("R",)), ("s", ("S",)), ("x", ("H", "KS")), ("z", ("S",)),
)  # fmt: skip
# Articles and what joins the parts of a name.
_SMALL: Final = frozenset({"al", "el", "ul", "as", "ash", "es", "ar", "er", "an", "ad", "ed", "az", "at", "bin", "ben", "ibn", "bint"})
_SMALL_ARABIC: Final = frozenset({"بن", "ابن", "بنت", "ال"})
# Letters that take more than their accent off to read: the Turkish soft g is hardly heard, đ is dj.
_FIRST: Final = str.maketrans({"ğ": "gh", "đ": "dj", "ı": "i", "ž": "z", "ə": "e"})
# The servant of: with its article it is one word here and two there, and the article takes the sound of what follows.
_ABD: Final = re.compile(r"^abd[aeou]{1,2}[dlnrstz](?=[a-z]{3})")
_SERVANT: Final = frozenset({"abdul", "abdel", "abdal", "abdur", "abdus", "abdoul", "abdoel"})
# A nasal sign of the Indian scripts is heard as a letter; the other signs there are vowels, or none.
_NASAL: Final = str.maketrans(dict.fromkeys("\u0901\u0902\u0981\u0982\u0a02\u0a70\u0a82\u0b02\u0c02\u0d02", "n"))
_WORDS: Final = re.compile(r"[^\W\d_]+(?:['’‘ʻ-ʿ][^\W\d_]+)*")
# A word in which many letters may stand for two sounds is heard in so many ways at most.
_MOST_WAYS: Final = 8
# Nobody is looked for by a ninth word; whoever states more of them makes no thousands of hashes by it.
_MOST_WORDS: Final = 8


def sounds(name: str) -> frozenset[str]:
    """How each word of a name sounds, and how two that follow each other sound as one; nothing for no letters."""
    words = list(_words(name))[:_MOST_WORDS]
    ways = [_heard(word) for word in words]
    joined = [frozenset(map("".join, product(sorted(one)[:4], sorted(other)[:4]))) for one, other in pairwise(ways)]
    return frozenset(_cut(way) for heard_so in (*ways, *joined) for way in heard_so)


def heard(name: str) -> str:
    """A name as one of the ways it sounds, word for word, for comparing two."""
    return " ".join(min(_heard(word)) for word in _words(name))


def latin(name: str) -> str:
    """A name in plain small Latin letters, for comparing two spellings."""
    return " ".join("".join(one for one in anyascii(name).casefold() if one.isalpha() or one == " ").split())


def _words(name: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", name).casefold().translate(_NASAL)
    # Neither what lengthens or joins letters nor what is written over and under them parts a word.
    text = "".join(one for one in text if one not in "ـ\u200c\u200d" and unicodedata.category(one)[0] != "M")
    for word in _WORDS.findall(text):
        if word in _SMALL or word in _SMALL_ARABIC:
            continue
        if word.startswith("عبدال"):
            yield "عبد" + word.removeprefix("عبدال")
        else:
            yield word.removeprefix("ال") if len(word) > 4 else word


def _heard(word: str) -> frozenset[str]:
    arabic = any(one in _ARABIC for one in word)
    groups = list(_arabic(word) if arabic else _latin(word))
    ways = {""}
    for group in groups:
        longer = {_lengthened(way, sound) for way in ways for sound in group}
        # Beyond so many ways each letter is heard as it mostly is.
        ways = longer if len(longer) <= _MOST_WAYS else {_lengthened(way, group[0]) for way in ways}
    # An h at the end is breath: Fatima is Fatimah, and صالح is Saleh, Salih and Sali.
    found = {way.rstrip("H") or way for way in ways} - {""}
    # Of a name that is vowels alone these are all there is.
    return frozenset(found or {"=" + latin(word)})


def _lengthened(way: str, sound: str) -> str:
    return way if sound and way.endswith(sound) else way + sound


def _arabic(word: str) -> Iterator[tuple[str, ...]]:
    # A round t at the end is a vowel to the ear.
    for one in word.rstrip("ةۃ"):
        sound = _ARABIC.get(one, "")
        if sound:
            yield tuple(sound)


def _latin(word: str) -> Iterator[tuple[str, ...]]:
    plain = anyascii(unicodedata.normalize("NFC", word).translate(_FIRST)).lower()
    rest = "".join(one for one in plain if one.isalpha())
    rest = "abd" if rest in _SERVANT else _ABD.sub("abd", rest)
    while rest:
        for letters, heard in _LATIN:
            if rest.startswith(letters):
                yield heard
                rest = rest[len(letters) :]
                break
        else:
            rest = rest[1:]


def _cut(way: str) -> str:
    # Joined words may meet in one sound.
    return re.sub(r"([A-Z])\1+", r"\1", way)
