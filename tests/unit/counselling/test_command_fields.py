"""What a command of counselling takes as a moment and as topics."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.command_fields import Topics
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.person import RegisterPerson
from shared.countries import ALPHA_2, AssignedCountry
from shared.moments import Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
TOPICS: TypeAdapter[tuple[str, ...]] = TypeAdapter(Topics)
COUNTRY: TypeAdapter[str] = TypeAdapter(AssignedCountry)


def test_a_moment_in_another_time_zone_is_kept_in_utc() -> None:
    at = MOMENT.validate_json('"2023-05-02T14:00:00+02:00"')
    assert at == datetime(2023, 5, 2, 12, 0, tzinfo=UTC)
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "said",
    [
        "2023-05-02T14:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
    ],
)
def test_a_moment_without_zone_or_in_a_far_off_year_is_malformed(said: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(said)


@pytest.mark.parametrize("said", ["2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_the_first_and_the_last_moment_that_may_be_meant_are_taken(said: str) -> None:
    assert MOMENT.validate_python(said) == datetime.fromisoformat(said)


def test_a_topic_named_twice_is_malformed() -> None:
    assert TOPICS.validate_python(["asylum", "health"]) == ("asylum", "health")
    with pytest.raises(ValidationError):
        TOPICS.validate_python(["asylum", "asylum"])


def test_a_country_that_no_scope_can_name_is_malformed() -> None:
    assert COUNTRY.validate_python("TR") == "TR"
    for code in ("XK", "UK", "AA", "tr", "TUR", ""):
        with pytest.raises(ValidationError):
            COUNTRY.validate_python(code)


def test_the_form_of_a_command_names_the_countries_that_it_takes() -> None:
    schema = RegisterPerson.model_json_schema()["properties"]["country_of_origin"]
    assert schema["enum"] == sorted(ALPHA_2)
    assert ExpressIntention.model_json_schema()["properties"]["destination_country"]["enum"] == sorted(ALPHA_2)
