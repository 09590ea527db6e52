"""The JSON Schema (2020-12) of what each event's ``data`` holds, and of the envelope that every event comes in."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ops.contracts.described import Described
from ops.contracts.meanings import meaning_of
from ops.settings import CannotStart
from shared.messages import Envelope

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE: Final = "avrr.envelope.v1"
Schema = dict[str, Any]

_ENVELOPE_SAYS: Final = (
    "The attributes of CloudEvents 1.0 in which every event comes. Exactly these bytes, as RFC 8785 writes them, are the entry of "
    "the log and the message on the bus. An attribute without a value is left out."
)


def data_schema(described: Described) -> Schema:
    """What stands in ``data``, with its example. It is closed, as whoever records it is held to; a reader steps past what is added."""
    made = described.event.model_json_schema(mode="validation")
    defs = {name: _told(name, part) for name, part in made.pop("$defs", {}).items()}
    return {
        "$schema": DIALECT, "$id": f"urn:avrr:schema:{described.kind}", **_told(described.event.__name__, made),
        **({"$defs": defs} if defs else {}), "examples": [dict(described.example)],
    }  # fmt: skip


def envelope_schema() -> Schema:
    """The envelope; ``data`` is what the schema says that ``dataschema`` names."""
    made = _told("Envelope", Envelope.model_json_schema(mode="validation"))
    properties = {name: _never_null(one) for name, one in made["properties"].items()}
    properties["specversion"] = {"const": "1.0", "type": "string", "description": properties["specversion"]["description"]}
    required = ["specversion", *made["required"]]
    return {
        "$schema": DIALECT, "$id": f"urn:avrr:schema:{ENVELOPE}", "title": "Envelope", "description": _ENVELOPE_SAYS,
        "type": "object", "properties": properties, "required": required,
    }  # fmt: skip


def envelope_example(described: Described) -> dict[str, object]:
    """An invented event of this type, whole."""
    service = described.recorded_by[0]
    kind = described.kind_in(service)
    return {
        "specversion": "1.0", "id": "018a5c00-0000-7000-8000-00000000e001", "source": f"urn:avrr:{service.name}", "type": kind,
        "subject": "018a5c00-0000-7000-8000-00000000e002", "partitionkey": "018a5c00-0000-7000-8000-00000000e003",
        "time": "2023-05-02T10:15:00Z", "dataschema": f"urn:avrr:schema:{kind}", "aggregateversion": 1, "actorid": "staff:example",
        "actorrole": "counsellor", "actororg": "iom", "actorcountry": "BA", "actoracr": "phr", "correlationid": "example",
        "data": dict(described.example),
    }  # fmt: skip


def fields_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The class and the name of each field that a schema describes, in its parts too."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name in part.get("properties", {}):
            yield part["title"], name


def _told(owner: str, made: Schema) -> Schema:
    """A schema without what says nothing to others, and with what each field means; CannotStart ``no_meaning`` where that is not said."""
    if "properties" not in made:
        return _plain(made)
    properties = {}
    for name, one in made["properties"].items():
        means = meaning_of(owner, name)
        if means is None:
            raise CannotStart("no_meaning", f"Nobody says what {owner}.{name} means: add it to ops/contracts/meanings.toml.")
        properties[name] = {**_plain(one), "description": means}
    says = {"description": made["description"].replace("``", "`")} if "description" in made else {}
    return {"title": made["title"], **says, "type": "object", "properties": properties, "required": made.get("required", []), "additionalProperties": False}


def _plain(node: Schema) -> Schema:
    kept = {key: value for key, value in node.items() if key not in ("title", "x-written")}
    if "items" in kept:
        kept["items"] = _plain(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [_plain(one) for one in kept["anyOf"]]
    return kept


def _never_null(node: Schema) -> Schema:
    left = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if not left:
        return {key: value for key, value in node.items() if key != "default"}
    return {**left[0], "description": node["description"]}
