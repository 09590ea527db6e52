"""Whatever begins is given an id of version 7: each order that begins something says so in the description of its service."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.endpoints import api_routes, operations_of
from shared.new_ids import PATTERN
from tests.architecture.test_openapi import Json, document_of
from tests.architecture.test_services import NAMES, routers_of, wiring_of

# What begins inside of something that is there.
BEGUN_WITHIN = {
    "counselling": {("give_consent", "consent_id")},
    "returns": {
        ("put_on_hold", "hold_id"), ("record_transit_interrupted", "hold_id"), ("write_final_report", "report_id"),
        ("record_departure", "record_id"), ("correct_departure", "record_id"), ("split_family", "new_case_id"),
        ("withdraw_case", "record_id"), ("withdraw_person", "record_id"), ("record_missed_flight", "record_id"),
        ("confirm_booking", "record_id"),
        ("ask_for_family_assessment", "inquiry_id"), ("assess_voluntariness", "record_id"),
        ("record_fear_of_return", "record_id"), ("record_vulnerability", "record_id"),
        ("assess_trafficking_risk", "record_id"), ("record_best_interests", "record_id"), ("plan_support", "support_id"),
    },
    "reintegration": {("release_tranche", "attempt_id"), ("file_evidence", "evidence_id")},
}  # fmt: skip


def begins(service: str) -> dict[str, str]:
    """How each operation of a service stands to what is there: it begins something, changes it, or does either."""
    rules = {rule.command: rule.on for aggregate in wiring_of(service).aggregates for rule in aggregate.decider.rules}
    return {operation: rules[command] for command, operation in operations_of(routers_of(service)).items()}


def asked_for_as_new(service: str) -> Iterator[tuple[str, str, str]]:
    """Operation, place and name of each id that has to be a new one."""
    document = document_of(service)
    operations = [one for path in document["paths"].values() for one in path.values()]
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            if parameter.get("schema", {}).get("pattern") == PATTERN:
                yield operation["operationId"], parameter["in"], parameter["name"]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "$ref" in content.get("schema", {}):
            yield from (
                (operation["operationId"], "body", name) for name in of_body(content["schema"]["$ref"], document)
            )


def of_body(reference: str, document: Json) -> Iterator[str]:
    properties: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]].get("properties", {})
    for name, schema in properties.items():
        if PATTERN in (schema.get("pattern"), *(one.get("pattern") for one in schema.get("anyOf", ()))):
            yield name


@pytest.mark.parametrize("service", NAMES)
def test_each_order_that_begins_something_asks_for_an_id_of_version_7(service: str) -> None:
    beginning = {operation for operation, on in begins(service).items() if on == "new"}
    found = set(asked_for_as_new(service))
    # A case begins by what counselling tells of.
    assert beginning or service == "returns"
    assert {operation for operation, where, _ in found if where == "path"} - {"file_evidence"} == beginning


@pytest.mark.parametrize("service", NAMES)
def test_what_begins_within_something_else_asks_for_an_id_of_version_7_too(service: str) -> None:
    beginning = {operation for operation, on in begins(service).items() if on == "new"}
    found = {(operation, name) for operation, _, name in asked_for_as_new(service) if operation not in beginning}
    assert found == BEGUN_WITHIN[service]


@pytest.mark.parametrize("service", NAMES)
def test_what_is_there_is_named_by_whatever_id_it_has(service: str) -> None:
    document = document_of(service)
    named = {operation for operation, on in begins(service).items() if on != "new"} - {"file_evidence"}
    for path in document["paths"].values():
        for operation in path.values():
            if operation["operationId"] in named:
                patterns = {one.get("schema", {}).get("pattern") for one in operation["parameters"] if one.get("in") == "path"}
                assert PATTERN not in patterns, operation["operationId"]


def test_a_route_of_a_file_is_among_those_that_are_looked_at() -> None:
    assert any(route.name == "import_bank_file" for route in api_routes(routers_of("reintegration")))
