"""A name in the letters that every bank reads: the Latin set of ISO 20022 payments, the same for the same name each time.

Whoever has a Latin form of their name in a document is paid under that one. What is made here is for who has none: Latin
letters lose their marks as the European Payments Council recommends (EPC217-08), Cyrillic is read as in passports (ICAO
Doc 9303, part 3), of the Arabic script what is written is put down letter for letter, without vowels that nobody wrote.
"""
# ruff: noqa: RUF001 -- a letter of another script is no mistake here

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from shared.errors import RuleViolation

LONGEST_NAME: Final = 140
LONGEST_TOWN: Final = 35
_ALLOWED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")

# Signs as other keyboards have them, put in place before anything else is looked at.
_SIGNS: Final = str.maketrans({
    **dict.fromkeys('’‘‛`´ʻʼʽʾʿ′“”„«»"', "'"), **dict.fromkeys("‐‑‒–—―−_", "-"), "&": "+", "!": ".", "۔": ".", "؟": "?",
    **dict.fromkeys(";،؛", ","), **dict.fromkeys("[{", "("), **dict.fromkeys("]}", ")"),
})  # fmt: skip
# Letters of Latin alphabets that are no other letter with a mark.
_LATIN: Final[Mapping[str, str]] = {
    "đ": "d", "ð": "d", "ɖ": "d", "ɗ": "d", "ł": "l", "ø": "o", "ɔ": "o", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ħ": "h",
    "ı": "i", "ɩ": "i", "ə": "e", "ǝ": "e", "ɛ": "e", "ɓ": "b", "ƙ": "k", "ƴ": "y", "ŋ": "n", "ɲ": "n", "ŧ": "t", "ɣ": "g",
    "ʋ": "v", "ʒ": "z",
}  # fmt: skip
_CYRILLIC: Final[Mapping[str, str]] = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia",
    "ђ": "d", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "ѓ": "g", "ќ": "k", "ѕ": "dz", "ґ": "g", "є": "ie", "і": "i",
    "ї": "i", "ў": "u", "ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "һ": "h", "ҳ": "h", "ҷ": "j",
    "ӣ": "i", "ӯ": "u",
}  # fmt: skip
# ICAO has these otherwise for Serbian, which is told by letters that Russian has not.
_SERBIAN: Final[Mapping[str, str]] = {"ж": "z", "х": "h", "ц": "c", "ч": "c", "ш": "s"}
_OF_SERBIAN: Final = frozenset("ђјљњћџ")
# Arabic with the letters that Persian, Pashto, Urdu and Sorani add. Ain and hamza are heard as the vowel that they carry.
_ARABIC: Final[Mapping[str, str]] = {
    **dict.fromkeys("اأآٱعىةە", "a"), **dict.fromkeys("إئۍې", "i"), "ؤ": "u", "ء": "", "ب": "b", "پ": "p", "ث": "th", "ج": "j",
    "چ": "ch", "خ": "kh", "ذ": "dh", "څ": "ts", "ځ": "dz", "غ": "gh", "ف": "f", "ڤ": "v", "ق": "q", "م": "m", "ێ": "e", "ۆ": "o",
    **dict.fromkeys("تٹټط", "t"), **dict.fromkeys("حهہھۀۂ", "h"), **dict.fromkeys("دڈډض", "d"), **dict.fromkeys("رڑړڕ", "r"),
    **dict.fromkeys("زظ", "z"), **dict.fromkeys("ژږ", "zh"), **dict.fromkeys("سص", "s"), **dict.fromkeys("شښ", "sh"),
    **dict.fromkeys("كک", "k"), **dict.fromkeys("گګ", "g"), **dict.fromkeys("لڵ", "l"), **dict.fromkeys("نںڼ", "n"),
    **dict.fromkeys("وۋ", "w"), **dict.fromkeys("يی", "y"), **dict.fromkeys("ےۓ", "e"), "ـ": "",
}  # fmt: skip
# What is written over and under these letters by whoever writes vowels down.
_VOCALISED: Final[Mapping[str, str]] = {
    "\u064b": "an", "\u064c": "un", "\u064d": "in", "\u064e": "a", "\u064f": "u", "\u0650": "i", "\u0670": "a",
}  # fmt: skip
_DOUBLING: Final = "\u0651"
# These two are consonants before a vowel and at the beginning of a word, and long vowels elsewhere.
_GLIDES: Final[Mapping[str, str]] = {"w": "u", "y": "i"}
_VOWELS: Final = ("a", "e", "i", "o", "u")


def latin(name: str, longest: int = LONGEST_NAME) -> str:
    """The name in the set, of so many characters at most, words parted by one space.

    Refused as ``name_missing`` where it has no letter, ``name_too_long``, and ``name_needs_latin`` for a letter of another
    script or a sign that stands for nothing in the set: nobody is paid under half a name.
    """
    plain = unicodedata.normalize("NFKC", name.translate(_SIGNS))
    letters = {**_LATIN, **_CYRILLIC, **_ARABIC, **({} if _OF_SERBIAN.isdisjoint(plain.lower()) else _SERBIAN)}
    words = [_of_arabic(word, letters) if _ARABIC.keys() & set(word) else _word(word, letters) for word in plain.split()]
    written = re.sub("/{2,}", "/", " ".join(word for word in words if word)).strip(" /-")
    if not any(one.isalpha() for one in written):
        raise RuleViolation("name_missing", "There is no name that the bank could be told.")
    if len(written) > longest:
        raise RuleViolation("name_too_long", "This name is longer than banks take.")
    return written


def _word(word: str, letters: Mapping[str, str]) -> str:
    written = []
    for place, one in enumerate(word):
        found = _letter(one, letters)
        if one.isupper() and found.islower():
            following, before = word[place + 1 : place + 2], word[:place]
            shouted = following.isupper() or (not following and before.isupper())
            found = found.upper() if shouted else found.capitalize()
        written.append(found)
    return "".join(written)


def _letter(one: str, letters: Mapping[str, str]) -> str:
    if one in _ALLOWED:
        return one
    if one.lower() in letters:
        return letters[one.lower()]
    # Accents of their own, and what steers the direction of a line.
    if unicodedata.category(one) in ("Mn", "Cf"):
        return ""
    if one.isdecimal():
        return str(unicodedata.decimal(one))
    base = unicodedata.normalize("NFD", one)[0]
    if base == one:
        raise RuleViolation("name_needs_latin", "This name can't be told to the bank. Record how it is written in Latin letters.")
    return _letter(base, letters)


def _of_arabic(word: str, letters: Mapping[str, str]) -> str:
    pieces: list[str] = []
    for one in word:
        if one in _VOCALISED:
            pieces.append(_VOCALISED[one])
        elif one == _DOUBLING:
            # Unicode's order puts the vowel of a doubled letter before the sign that doubles it.
            last = next((place for place in reversed(range(len(pieces))) if pieces[place] not in _VOCALISED.values()), None)
            if last is not None and len(pieces[last]) == 1:
                pieces[last] *= 2
        elif found := _letter(one, letters):
            pieces.append(found)
    written = "".join(
        _GLIDES.get(piece, piece) if place and not "".join(pieces[place + 1 : place + 2]).startswith(_VOWELS) else piece
        for place, piece in enumerate(pieces)
    )
    return re.sub(r"([aiu])\1+", r"\1", written).capitalize()
