"""A page for each event, and the list of them all: what it says, who records it, who follows it, its fields and an example."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ops.contracts.asyncapi import address_of, stream_of
from ops.contracts.described import ANY, Described
from ops.contracts.schemas import ENVELOPE, Schema, data_schema, envelope_schema
from shared.topology import LOGS

_HEAD: Final = """# Events

Everything that a service does is an event: an entry of its log, and with the same bytes a message on the bus. What others may rely on
is written here, printed by `./avrr contracts` from the contracts in the code; a test compares both.

- [asyncapi.json](asyncapi.json): all of it as one [AsyncAPI 3.1](https://www.asyncapi.com) document: streams, channels, messages, who sends and who receives.
- [schemas](schemas): the JSON Schema (2020-12) of the `data` of each event, named by its `dataschema`, with an invented example.
- [The envelope](envelope.md) in which every event comes.

Contracts only ever get additions: an event, a field that may be missing, a value of a list. Whoever reads steps past the fields and types that
they do not know; whoever records is held to exactly what stands here. Another change is refused by `./avrr contracts` and by a test,
which say what it would break; what has to change becomes a `v2` beside the `v1`, since what was recorded is there to be read for ever.

A *digest* is the salted SHA-256 of a text that must not stand in the log, because it tells, or may tell, of protection, health or asylum, or of who
somebody is. The text stays sealed with the service that recorded it.
"""
_ENVELOPE_HEAD: Final = """# The envelope

{says}

The leaf hash of an event is the SHA-256 of a zero byte and these bytes (RFC 6962). Schema: [{name}.json](schemas/{name}.json).

| attribute | is | says |
|---|---|---|
"""
_WORDS: Final[Mapping[str, str]] = {
    "uuid": "id", "date-time": "moment", "date": "day", "string": "text", "integer": "whole number", "boolean": "yes or no", "null": "null",
}  # fmt: skip
_MOST_VALUES: Final = 24


def index_page(events: Sequence[Described]) -> str:
    """The list of all events, by who records them."""
    parts = [_HEAD]
    services = [*((service.name, f"## {service.name}") for service in LOGS), (ANY, "## Every service")]
    for name, heading in services:
        own = [one for one in events if one.kind.split(".")[1] == name]
        if own:
            rows = "".join(f"| [`{_short(one)}`]({one.kind}.md) | {_first(one)} | {', '.join(one.followed_by)} |\n" for one in own)
            parts.append(f"\n{heading}\n\n| event | says | followed by |\n|---|---|---|\n{rows}")
    return "".join(parts)


def envelope_page() -> str:
    """What stands around the data of every event."""
    schema = envelope_schema()
    return _ENVELOPE_HEAD.format(says=schema["description"], name=ENVELOPE) + _rows(schema)


def event_page(one: Described) -> str:
    """The page of one event."""
    schema = data_schema(one)
    anywhere = one.kind.split(".")[1] == ANY
    by = "every service, each under its own name" if anywhere else one.recorded_by[0].name
    followed = [f"{name}: {does[:1].lower()}{does[1:]}" for name, does in one.followed_by.items()] or ["no service; audit keeps it, as it does every event"]
    facts = (
        ("type", f"`{one.kind.replace(f'.{ANY}.', '.<service>.')}`"), ("recorded by", by), ("followed by", _cell("<br>".join(followed))),
        ("subject", f"`{address_of(one)}`"), ("stream", stream_of(one)), ("schema of `data`", f"[{one.kind}.json](schemas/{one.kind}.json)"),
    )  # fmt: skip
    told = "".join(f"| {name} | {value} |\n" for name, value in facts)
    example = json.dumps(one.example, indent=1, ensure_ascii=False)
    return (
        f"# {one.event.__name__}\n\n{one.says}\n\n| | |\n|---|---|\n{told}\n{''.join(_tables(schema))}"
        f"\n## Example\n\nIts `data`, invented; around it is [the envelope](envelope.md).\n\n```json\n{example}\n```\n\n[All events](README.md)\n"
    )


def _tables(schema: Schema) -> Iterator[str]:
    if not schema["properties"]:
        yield "It has no fields of its own.\n"
        return
    yield f"## Fields\n\n| field | is | says |\n|---|---|---|\n{_rows(schema)}"
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            yield f"\n### {name}\n\n{part['description']}\n\n| field | is | says |\n|---|---|---|\n{_rows(part)}"


def _rows(schema: Schema) -> str:
    needed = set(schema.get("required", ()))
    return "".join(
        f"| `{name}`{'' if name in needed else ' (may be missing)'} | {_cell(_is(one))} | {_cell(one['description'])} |\n"
        for name, one in schema["properties"].items()
    )


def _is(node: Mapping[str, Any]) -> str:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return "digest" if name == "Concealed" else name
    if "anyOf" in node:
        return " or ".join(_is(one) for one in node["anyOf"])
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        shown = ", ".join(f"`{value}`" for value in node["enum"][:_MOST_VALUES])
        return f"one of {shown}{', …' if len(node['enum']) > _MOST_VALUES else ''}"
    if node.get("type") == "array":
        return f"list of: {_is(node['items'])}"
    return _WORDS.get(node.get("format", ""), _WORDS.get(node.get("type", ""), "object"))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _first(one: Described) -> str:
    return _cell(one.says.split("\n\n")[0])


def _short(one: Described) -> str:
    return ".".join(one.kind.split(".")[2:-1])
