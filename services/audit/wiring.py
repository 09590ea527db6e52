"""The audit service put together: who read in it, and what people found out about its own findings, are all it has of its own."""

from services.audit import tables
from services.audit.domain.explained import two_persons
from services.audit.explaining import FINDING
from services.audit.following import Archiver
from services.audit.policy import POLICY
from services.audit.watching import Watching
from shared import topology
from shared.access import access_of
from shared.held import Holdings
from shared.wiring import Wiring

WIRING = Wiring(
    service=topology.AUDIT,
    aggregates=(FINDING,),
    policy=POLICY,
    heard=(),
    reactions={},
    refusals={"ck_explained_findings_two_persons": two_persons()},
    checks=(),
    access=access_of("audit", tables.METADATA.tables["accesses"]),
    holdings=Holdings(
        readers_alone=True,
        untold={
            "archive_entries": "what other services logged, which each of them tells itself",
            "archive_mentions": "an index of what other services logged",
            "archive_tiles": "hashes over all entries of a log",
            "archive_differences": "which entries of a log are not as they were archived",
            "archive_sightings": "how often each of these was found",
            "explained_findings": "what members of staff found out about these, and accepted",
            "archive_checkpoints": "what was signed of each log",
            "archive_breaks": "where logs were set back, and who accepted it",
            "archive_tails": "where entries that nobody signed were set apart, and what proves it",
            "archive_exceptions": "which events of other services somebody should look at",
            "archive_reader_days": "what members of staff looked at, which each service tells of whoever asks",
            "archive_examined": "how far each log was looked at",
            "archive_policies": "by which keys checkpoints were believed",
            "archive_watched": "what is known of each log that is watched",
            "archive_rows": "which rows of services were not as their logs have them, by id and column",
            "archive_verified": "how far each service verified its rows",
        }
    ),
    following=Archiver,
    beside=Watching,
)
