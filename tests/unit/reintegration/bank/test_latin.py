"""Names reach the bank in letters that it reads, always in the same ones, or not at all."""
# ruff: noqa: RUF001 -- a letter of another script is no mistake here

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.latin import latin
from shared.errors import RuleViolation
from tests.given import reads_well

ALLOWED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
LETTERS = (
    "abcABC 12-'./" "éèüßøłđŽČćşİığñÆþəɓŋ" "абвгжхцчшщъыьюяЖЉЊђћџҐїқңӣ" "اآأبپتٹټثجچحخدڈډذرڑزژږسشښصضطظعغفقكکگګلمنںڼهہھويیےېۍىةءؤئ" "\u064e\u0650\u064f\u0651\u200c۱۲٣،؟"
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Željko Đurić", "Zeljko Duric"), ("Ayşe İnönü Oğuz", "Ayse Inonu Oguz"), ("Aïssatou N’Diaye", "Aissatou N'Diaye"),
        ("Nguyễn Văn Đức", "Nguyen Van Duc"), ("Æsa Þórsdóttir Straße", "Aesa Thorsdottir Strasse"), ("Abdulƙadir Ɗan", "Abdulkadir Dan"),
        ("Алексей Щербаков", "Aleksei Shcherbakov"), ("ЮЛИЯ Ж", "IULIIA Zh"), ("Жанна Харченко", "Zhanna Kharchenko"),
        ("Жељко Хаџић", "Zeljko Hadzic"), ("Шукрија Чолаковић", "Sukrija Colakovic"), ("Наталія Їжак", "Nataliia Izhak"),
        ("مُحَمَّد", "Muhammad"), ("شّم ّسَّ َّ", "Shm Ssa"), ("محمد حسین", "Mhmd Hsin"), ("نور یوسف", "Nur Yusf"), ("گلاب پټان", "Glab Ptan"), ("فاطمہ ٹھاکر", "Fatmh Thakr"),
        ("ﻣﺤﻤﺪ", "Mhmd"), ("Firma „Sunce“ & sin", "Firma 'Sunce' + sin"), ("شرکت ۱۲", "Shrkt 12"), ("  Ana \t Primjer\u00a0 ", "Ana Primjer"), ("/A//B/", "A/B"),
    ],
    ids=[
        "bosnian", "turkish", "french", "vietnamese", "icelandic_german", "hausa", "russian", "russian_capitals", "russian_kh", "serbian",
        "serbian_sh", "ukrainian", "arabic_with_vowels", "arabic_doubled", "persian", "glides", "pashto", "urdu", "presentation_forms", "signs", "digits", "spaces", "slashes",
    ],
)  # fmt: skip
def test_a_name_is_read_as_its_script_is_written(name: str, expected: str) -> None:
    assert latin(name) == expected


def outcome(name: str) -> tuple[str | None, str | None]:
    try:
        return latin(name), None
    except RuleViolation as refusal:
        return None, refusal.code


@given(st.text(st.sampled_from(LETTERS), min_size=1, max_size=40))
def test_a_name_in_any_of_these_scripts_comes_out_in_the_allowed_letters_alone(name: str) -> None:
    written, code = outcome(name)
    if written is None:
        # Only signs, and letters that nobody hears, leave nothing of a name.
        assert code == "name_missing"
        return
    assert set(written) <= ALLOWED
    assert written == " ".join(written.split())
    assert "//" not in written
    assert latin(written) == written


@given(st.text(min_size=1))
def test_whatever_is_written_comes_out_in_the_allowed_letters_or_is_refused(name: str) -> None:
    written, code = outcome(name)
    if written is None:
        assert code in {"name_missing", "name_needs_latin", "name_too_long"}
        return
    assert set(written) <= ALLOWED
    assert 1 <= len(written) <= 140


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_missing"), ("...", "name_missing"), ("\u0651", "name_missing"), ("राम", "name_needs_latin"), ("李 Ana", "name_needs_latin"),
        ("Ana\x00", "name_needs_latin"), ("Ana 😀", "name_needs_latin"), ("x" * 141, "name_too_long"), ("Ж" * 71, "name_too_long"),
    ],
    ids=["nothing", "signs", "mark", "devanagari", "chinese", "control", "emoji", "long", "long_when_read"],
)  # fmt: skip
def test_a_name_of_which_something_would_be_lost_is_refused(name: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        latin(name)
    assert refused.value.code == code
    assert reads_well(refused.value.sentence)
    assert name == "" or name not in refused.value.sentence
