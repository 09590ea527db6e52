"""One AsyncAPI 3.1 document over everything that is published: streams, channels, messages, and who sends and receives them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ops.contracts.described import ANY, Described
from ops.contracts.schemas import ENVELOPE, Schema, data_schema, envelope_example, envelope_schema
from shared.relay import subject_of
from shared.topology import LOGS, Service

VERSION: Final = "3.1.0"
_SAYS: Final = (
    "What the services of avrr tell each other, and keep in their logs. Each service has one JetStream stream, in which the "
    "sequence of a message is its index in the service's log plus one. A message is the entry of the log, byte for byte: a "
    "CloudEvents 1.0 envelope as RFC 8785 writes it, of at most 32 KiB. Of a person at most sex, child or adult, and country stand "
    "in it. Audit keeps every stream whole. Contracts only ever get additions: step past fields and types that you do not know."
)
_HEADERS: Final = {
    "type": "object",
    "properties": {
        "Nats-Msg-Id": {"type": "string", "format": "uuid", "description": "The id of the event."},
        "Nats-Expected-Last-Sequence": {
            "type": "string", "pattern": "^(0|[1-9][0-9]*)$",
            "description": "The event's index in the log: the sequence of the message before it.",
        },
    },
    "required": ["Nats-Msg-Id", "Nats-Expected-Last-Sequence"],
}  # fmt: skip


def document(events: Sequence[Described]) -> dict[str, Any]:
    """The whole document; the types of what every service records alike stand in it once for each service."""
    recorded = [(service, one) for one in events for service in one.recorded_by]
    recorded.sort(key=lambda pair: pair[1].kind_in(pair[0]))
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "avrr", "version": "1.0.0", "description": _SAYS, "license": {"name": "Apache-2.0"},
            "tags": [{"name": service.name, "description": f"What {service.name} records."} for service in LOGS],
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "nats": {
                "host": "127.0.0.1:4222", "protocol": "nats", "security": [{"$ref": "#/components/securitySchemes/user"}],
                "description": "NATS with JetStream, here as a demo has it; each service is a user of its own, who may publish to its own subjects alone.",
            }
        },
        "channels": {_channel(service, one): _channel_of(service, one) for service, one in recorded},
        "operations": dict(_operations(recorded)),
        "components": {
            "messages": {one.kind_in(service): _message(service, one) for service, one in recorded},
            "schemas": _schemas(events),
            "securitySchemes": {"user": {"type": "userPassword", "description": "The user of a service."}},
        },
    }  # fmt: skip


def _channel(service: Service, one: Described) -> str:
    return subject_of(service, one.kind_in(service))


def _channel_of(service: Service, one: Described) -> dict[str, Any]:
    kind = one.kind_in(service)
    return {
        "address": _channel(service, one),
        "title": one.event.__name__,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "tags": [{"name": service.name}],
        "x-jetstream-stream": service.stream,
    }


def _operations(recorded: Sequence[tuple[Service, Described]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for service, one in recorded:
        channel = _channel(service, one)
        named = {"channel": {"$ref": f"#/channels/{channel}"}}
        messages = {"messages": [{"$ref": f"#/channels/{channel}/messages/{one.kind_in(service)}"}]}
        yield f"{service.name}.sends.{channel}", {"action": "send", **named, "tags": [{"name": service.name}], **messages}
        for follower, does in one.followed_by.items():
            yield (
                f"{follower}.receives.{channel}",
                {"action": "receive", **named, "summary": does, "tags": [{"name": follower}], **messages},
            )


def _message(service: Service, one: Described) -> dict[str, Any]:
    kind = one.kind_in(service)
    own = {
        "source": {"const": f"urn:avrr:{service.name}"}, "type": {"const": kind}, "dataschema": {"const": f"urn:avrr:schema:{kind}"},
        "data": {"$ref": f"#/components/schemas/{one.kind}"},
    }  # fmt: skip
    example = {**envelope_example(one), "source": f"urn:avrr:{service.name}", "type": kind, "dataschema": f"urn:avrr:schema:{kind}"}
    return {
        "name": kind,
        "title": one.event.__name__,
        "summary": " ".join(one.says.split("\n\n")[0].split()),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{ENVELOPE}"}, {"type": "object", "properties": own}]},
        "examples": [{"headers": {"Nats-Msg-Id": str(example["id"]), "Nats-Expected-Last-Sequence": "0"}, "payload": example}],
    }  # fmt: skip


def _schemas(events: Sequence[Described]) -> dict[str, Schema]:
    """Every schema, and each part of several once; two parts of one name that differ would be a fault of the contracts."""
    found: dict[str, Schema] = {"headers": _HEADERS, ENVELOPE: _as_asyncapi(_bare(envelope_schema()))}
    for one in events:
        schema = data_schema(one)
        for name, part in schema.pop("$defs", {}).items():
            told = _as_asyncapi(part)
            if found.setdefault(name, told) != told:
                raise ValueError(f"two parts of events are called {name}")
        found[one.kind] = _as_asyncapi(_bare(schema))
    return dict(sorted(found.items()))


def _bare(schema: Schema) -> Schema:
    """Without what tells of a schema by itself, and without the example, which stands in the message."""
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id", "examples")}


def _as_asyncapi(node: Schema) -> Schema:
    """The same in AsyncAPI's own dialect, which steps past everything that stands beside a reference."""
    told: Schema = {}
    for key, value in node.items():
        if key == "properties":
            told[key] = {name: _as_asyncapi(one) for name, one in value.items()}
        elif key == "items":
            told[key] = _as_asyncapi(value)
        elif key in ("anyOf", "allOf"):
            told[key] = [_as_asyncapi(one) for one in value]
        elif key == "$ref":
            told[key] = value.replace("#/$defs/", "#/components/schemas/")
        else:
            told[key] = value
    if "$ref" in told and len(told) > 1:
        return {"allOf": [{"$ref": told.pop("$ref")}], **told}
    return told


def stream_of(one: Described) -> str:
    """The stream, or streams, in which an event travels, as a page names them."""
    return "each service's own" if one.kind.split(".")[1] == ANY else f"`{one.recorded_by[0].stream}`"


def address_of(one: Described) -> str:
    """The subject on which an event travels, with a placeholder where every service has its own."""
    service = one.recorded_by[0]
    return _channel(service, one) if one.kind.split(".")[1] != ANY else _channel(service, one).replace(service.name, "<service>", 1)


def kinds_of(events: Sequence[Described]) -> Mapping[str, Described]:
    """Every type under which something is recorded, with what it is."""
    return {one.kind_in(service): one for one in events for service in one.recorded_by}
