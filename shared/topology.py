"""Which services exist, where they listen, what stream each fills and whose events each follows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its name is also its database, and in capitals its JetStream stream.

    ``asks`` is whose API it asks at the moment itself, where an event that is under way would come too late;
    ``seals_persons`` whether it seals values and files under keys of persons, beside parts of its rows, which each does under
    its own; ``kept_files`` whether it sealed files under one key of its own before, which those still need; ``finds_by``
    names the table of hashes by which it finds what is sealed: then it needs the keys of an index, held by whoever holds the
    epochs' keys. One that ``archives`` takes what it follows in batches and as bytes: it decides nothing of
    that and reacts to none of it.
    """

    name: str
    port: int
    follows: tuple[str, ...]
    asks: tuple[str, ...] = ()
    kept_files: bool = False
    seals_persons: bool = False
    finds_by: str = ""
    archives: bool = False

    @property
    def stream(self) -> str:
        """The stream that holds this service's log, one message per event, sequence = index + 1."""
        return self.name.upper()

    @property
    def subjects(self) -> str:
        """The subjects only this service's relay may publish to."""
        return f"avrr.{self.name}.>"

    @property
    def head(self) -> str:
        """The subject, outside the stream, on which this service's relay says each second how long the log is."""
        return f"avrr_head.{self.name}"

    @property
    def module(self) -> str:
        """The package that holds the service."""
        return f"services.{self.name}"


@dataclass(frozen=True, slots=True)
class Front:
    """Pages in front of the services: its name is also its database; it has no log, no stream, and decides nothing."""

    name: str
    port: int

    @property
    def module(self) -> str:
        """The package that holds it."""
        return f"services.{self.name}"


COUNSELLING = Service(
    "counselling", 8001, follows=("returns", "reintegration"), seals_persons=True, finds_by="search_tokens"
)
RETURNS = Service("returns", 8002, follows=("counselling", "reintegration"), asks=("counselling",))
REINTEGRATION = Service(
    "reintegration", 8003, follows=("returns", "counselling"), asks=("counselling",), kept_files=True, seals_persons=True,
    finds_by="payee_tokens",
)

# Its own log tells who read in the archive and what people found out about its findings, and stands in the archive like any other.
AUDIT = Service(
    "audit", 8004, follows=("counselling", "returns", "reintegration", "audit"), archives=True,
    asks=("counselling", "returns", "reintegration", "audit"),
)

PORTAL = Front("portal", 8000)

# Those that decide about people and their cases, and all that have a log; the archive is given orders about its own findings alone.
SERVICES: tuple[Service, ...] = (COUNSELLING, RETURNS, REINTEGRATION)
LOGS: tuple[Service, ...] = (*SERVICES, AUDIT)
BY_NAME: dict[str, Service] = {service.name: service for service in LOGS}


def durable(follower: Service, source: Service) -> str:
    """The name of the durable consumer by which one service follows another's stream."""
    return f"{follower.name}_follows_{source.name}"
