"""What holds of every page of the portal: which take a file, what a sign-in in between may lead back to."""

from collections.abc import Iterator
from itertools import product
from types import CodeType, FunctionType
from typing import Literal as OneOf
from typing import get_args, get_origin, get_type_hints

from fastapi.routing import APIRoute
from starlette.routing import Match

from services.portal.app import create_app
from services.portal.file_forms import FILE_FORMS, file_form
from services.portal.settings import PortalSettings
from services.portal.sign_in import return_path
from services.reintegration.bank.messages import LARGEST_FILE
from services.reintegration.domain import sanctions, survey_rounds
from services.reintegration.routes.payees import MOST_STAFF_BYTES
from shared.connections import MAX_REQUEST_BYTES
from shared.files.media import MOST_BYTES
from tests.unit.portal.test_settings import GIVEN

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def pages(method: str) -> list[APIRoute]:
    """Every route of the portal that is asked by this method."""
    routes = create_app(PortalSettings.model_validate(GIVEN)).router.routes
    return [route for route in routes if isinstance(route, APIRoute) and method in (route.methods or ())]


def addresses(route: APIRoute) -> Iterator[str]:
    """Where a route answers: of a part that is one of several words with each of them, of any other with an id."""
    said = get_type_hints(route.endpoint)
    names = list(route.param_convertors)
    choices = [get_args(said[name]) if get_origin(said[name]) is OneOf else (ID,) for name in names]
    for chosen in product(*choices):
        yield route.path_format.format(**dict(zip(names, chosen, strict=True)))


def test_each_page_that_takes_a_file_has_the_bounds_of_a_form_with_a_file_and_no_other_has() -> None:
    taking = {at for route in pages("POST") for at in addresses(route) if "taken" in route.endpoint.__code__.co_names}
    assert {at for route in pages("POST") for at in addresses(route) if file_form("POST", at)} == taking
    assert len(taking) == len(FILE_FORMS)


def test_a_file_may_be_as_long_as_the_service_takes_that_keeps_it() -> None:
    assert {path: form.most_bytes for path, form in FILE_FORMS.items()} == {
        "/grants/{grant_id}/evidence": MOST_BYTES,
        "/persons/{person_id}/consents/{consent_id}": MOST_BYTES,
        "/bank-files": LARGEST_FILE,
        "/bank-files/{file_id}/confirm": LARGEST_FILE,
        "/bring/accounts-of-staff": MOST_STAFF_BYTES,
        "/bring/sanctions": sanctions.MOST_BYTES,
        "/bring/survey": survey_rounds.MOST_BYTES,
    }
    assert all(form.body_bytes > form.most_bytes for form in FILE_FORMS.values())
    assert max(form.body_bytes for form in FILE_FORMS.values()) < MAX_REQUEST_BYTES


def hands_out(found: object, seen: set[int]) -> bool:
    """Whether what this function or class does, and whatever of the portal it does that by, makes a file to be saved."""
    if id(found) in seen or not str(getattr(found, "__module__", "")).startswith("services.portal"):
        return False
    seen.add(id(found))
    if isinstance(found, type):
        return any(hands_out(part, seen) for part in vars(found).values())
    return isinstance(found, FunctionType) and said(found.__code__, found, seen)


def said(code: CodeType, found: FunctionType, seen: set[int]) -> bool:
    if any("Content-Disposition" in const for const in code.co_consts if isinstance(const, str | tuple)):
        return True
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return any(said(one, found, seen) for one in inner) or any(
        hands_out(found.__globals__.get(name), seen) for name in code.co_names
    )


def test_no_sign_in_ends_in_a_file_but_on_the_page_where_it_is_asked_for() -> None:
    routes = pages("GET")
    files = [route for route in routes if hands_out(route.endpoint, set())]
    assert {"/exports/{name}/file", "/grants/{grant_id}/evidence/{evidence_id}", "/integrity/keys", "/log/export/{service}"} <= {
        route.path_format for route in files
    }
    for route in files:
        for at in addresses(route):
            scope = {"type": "http", "method": "GET", "path": return_path(at), "headers": []}
            led = next(one for one in routes if one.matches(scope)[0] is Match.FULL)
            assert led not in files, at
            # To the page of it, and not just somewhere.
            assert led.path_format != "/", at


def test_whatever_a_form_is_sent_to_can_be_come_back_to_after_a_sign_in() -> None:
    sent_to = {route.path_format for route in pages("POST")}
    assert sent_to - {route.path_format for route in pages("GET")} == {"/sign-out"}
