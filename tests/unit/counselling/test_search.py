"""What somebody is to be found by, and how alike two names are. All persons here are invented."""


import pytest
from pydantic import ValidationError

from services.counselling.domain.identity import Identity, RecordIdentity, identity_of, texts_of
from services.counselling.domain.search import (
    SEARCHED,
    PersonSearch,
    has_document,
    score,
    sounds_alike,
    terms_kept,
    terms_sought,
    told,
)
from shared.errors import RuleViolation

PASSPORT = {"document_type": "passport", "document_number": "P 0777-123", "issuing_country": "AF"}
WHO = RecordIdentity.model_validate(
    {
        "family_name": "Rahmani", "given_names": "Ghulam", "family_name_own_script": "رحمانی", "given_names_own_script": "غلام",
        "other_names": [{"other_name": "Rahman Testzai"}], "documents": [PASSPORT], "birth_date": "1990", "languages": ["prs"],
    }
)  # fmt: skip
IDENTITY = identity_of(texts_of(WHO))


def by_document(number: str, country: str = "AF") -> PersonSearch:
    return PersonSearch.model_validate({"document": {"document_number": number, "issuing_country": country}})


def by_name(family_name: str, given_names: str | None = None, year: int = 1990, within: int = 0) -> PersonSearch:
    name = {"family_name": family_name, "given_names": given_names, "birth_year": year, "birth_year_within": within}
    return PersonSearch.model_validate({"name": name})


def found_by(search: PersonSearch) -> bool:
    documents, names = terms_sought(search)
    kept = {term for terms in terms_kept(1990, texts_of(WHO)).values() for term in terms}
    return bool(kept & {*documents, *names})


def test_each_searched_field_that_is_stated_is_found_by_and_no_other_is() -> None:
    kept = terms_kept(1990, texts_of(WHO))
    assert set(kept) == set(SEARCHED)
    assert all(kept.values())
    assert {term.purpose for field, terms in kept.items() for term in terms if field != "documents"} == {"name"}
    assert terms_kept(1990, texts_of(RecordIdentity(languages=("prs",)))) == {}


@pytest.mark.parametrize("number", ["P0777123", "p 0777 123", "P.0777/123"])
def test_a_document_is_found_however_its_number_is_copied_and_only_with_its_country(number: str) -> None:
    assert found_by(by_document(number))
    assert not found_by(by_document(number, "PK"))
    document = by_document(number).document
    assert document is not None
    assert has_document(IDENTITY, document)
    assert not has_document(Identity(), document)


@pytest.mark.parametrize("name", ["Rahmani", "Rehmani", "رحمانی", "Рахмани", "Gulam", "Testzai", "Testzay"])
def test_a_name_is_found_by_its_sound_in_the_year_of_birth(name: str) -> None:
    assert found_by(by_name(name))
    assert not found_by(by_name(name, year=1991))
    assert found_by(by_name(name, year=1992, within=2))
    sought = by_name(name).name
    assert sought is not None
    assert sounds_alike(IDENTITY, sought)


def test_nothing_looked_for_is_refused_and_what_cannot_be_looked_for_is_malformed_without_being_repeated() -> None:
    with pytest.raises(RuleViolation) as refused:
        terms_sought(PersonSearch())
    assert refused.value.code == "nothing_looked_for"
    for wrong in ({"name": {"family_name": "a<b", "birth_year": 1990}}, {"document": {"document_number": "<<"}}):
        with pytest.raises(ValidationError) as malformed:
            PersonSearch.model_validate(wrong)
        assert "a<b" not in str(malformed.value)
        assert "<<" not in str(malformed.value)
    assert "Rahmani" not in f"{by_name('Rahmani')!r}{by_name('Rahmani')}{terms_sought(by_name('Rahmani'))}"


def test_the_same_spelling_scores_highest_then_another_then_what_only_sounds_alike() -> None:
    def scored(family_name: str, given_names: str | None = None) -> float:
        sought = by_name(family_name, given_names).name
        assert sought is not None
        return score(IDENTITY, sought)

    assert scored("Rahmani") == scored("rahmani", "Ghulam") == 100
    assert 100 > scored("Rehmani") > scored("Rouhaimoun")
    assert scored("Rahmani", "Gulam") > scored("Rahmani", "Sikandar")
    assert scored("Ghulam") == 80
    assert scored("Petrov") < 50
    assert [told(exact) for exact in (0.0, 84.9, 85.1, 99.0, 100.0)] == [0, 80, 90, 100, 100]
