"""The auditor's page of how it stands with each log, and what is signed of it to take home."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from services.portal.pages.frame import Page, Reading
from services.portal.translation import _

router = APIRouter()

LogName = Annotated[str, Path(pattern=r"^[a-z]{1,32}$")]
Generation = Annotated[int, Path(ge=2, le=9999)]

# By the code of an alarm what it means, and what to do.
ALARMS: Final[Mapping[str, tuple[str, str]]] = {
    "entries_other": (
        _("The service's own log has other bytes there than the archive: somebody changed the one or the other."),
        _("Take both databases out of use as evidence until the checkpoint and its witnesses say which of them is as it was, and restore the other from it once it is known who changed it."),
    ),
    "entries_missing": (
        _("The service's own log does not have entries that were archived: somebody took them out, or an old database was restored."),
        _("Take the service's database out of use as evidence, and ask who restored or changed it."),
    ),
    "entries_archive": (
        _("The archive itself does not have these entries any more: somebody took them out of it, or an old copy was restored."),
        _("Take the archive's database out of use as evidence, and ask who restored or changed it. What is missing stands in the service's own log."),
    ),
    "entries_root": (
        _("A checkpoint was signed of another history of this log than the one that was archived."),
        _("Keep both. Compare them with the checkpoints that witnesses and you yourself have kept: two histories mean that somebody is shown another log."),
    ),
    "entries_column": (
        _("In the archive itself, what searches go by is not what these events say: somebody changed it."),
        _("Do not rely on searches until the archive's database was looked at. What the events say is what was archived, unless there is another alarm."),
    ),
    "entries_tile": (
        _("In the archive itself, hashes of the tree are not those of these events: somebody changed the ones or the others."),
        _("Take the archive's database out of use as evidence, and ask who restored or changed it. The checkpoint and its witnesses say what it was."),
    ),
    "entries_twice": (
        _("The id of these events stands in the archive a second time."),
        _("Look at each of the events with this id: one of them was written by somebody who wants to hide the other, or a service made it wrongly."),
    ),
    "entries_place": (
        _("Somebody told the archive that it had not archived these entries yet. It holds them, and went on behind them."),
        _("Ask who changed the archive's database. Nothing that puts it right can make it undone: it rings until one person has explained it and another accepted that."),
    ),
    "entries_note": (
        _("The archive's database says that a checkpoint was kept of these entries, and there was none of this kind: somebody wrote it there."),
        _("Ask who has the password of the archive's worker, and change it. What was signed is told by the checkpointer, its witnesses and whoever took checkpoints home."),
    ),
    "entries_exception": (
        _("What is kept of exceptions at these entries is not what the rules find there: somebody kept one back, or put one in."),
        _("Look at these events and at their exceptions, which are told again. Ask who has the password of the archive's worker, and change it."),
    ),
    "entries_tail": (
        _("These entries came into the archive and nobody signed them: the log was signed with others in their place. They were set apart, and the archive goes on with those that were signed."),
        _("Find out how they came into the stream: a database that lost its last second, or somebody who wrote past the service. Have the stream filled again from the log, and those who follow it set back behind the last true entry; what the entries led to elsewhere is put right by hand. It rings until one person has explained it and another accepted that."),
    ),
    "entries_more": (
        _("There are more findings of the same kind than are shown."),
        _("Deal with these first; the others are shown then."),
    ),
    "archive_stopped_damaged": (
        _("In the archive's own database there is something else than it left there, or nothing, where the next entry belongs. Nothing more of this log is archived."),
        _("Ask who changed the archive's database. The archive goes on by itself once it is as it was."),
    ),
    "archive_stopped_other": (
        _("The stream brought another event in the place of an archived one. Nothing more of this log is archived."),
        _("Find out who wrote to the stream. The archive goes on by itself once the stream brings what was archived, or once a checkpoint proves that the archived entries were never signed: then they are set apart."),
    ),
    "archive_stopped_gap": (
        _("The stream left out an event. Nothing more of this log is archived."),
        _("Let the stream be filled again from the service's own log. The archive goes on by itself then."),
    ),
    "archive_stopped_unreadable": (
        _("The stream brought something that is no event. Nothing more of this log is archived."),
        _("Find out who wrote to the stream, and have it taken out."),
    ),
    "checkpoint_refused": (
        _("The archive does not believe the checkpoint that it is given."),
        _("Ask who keeps the checkpointer, and do not rely on newer checkpoints of this log until it is known why."),
    ),
    "checkpoint_older": (
        _("The archive was told an older checkpoint of this log than it had been told before."),
        _("Ask who keeps the checkpointer whether an old copy of it was restored. Keep the newer checkpoint; nothing is believed that does not continue it."),
    ),
    "former_key": (
        _("A checkpoint of this log was signed by a former key alone, which was changed for another."),
        _("Ask who keeps the checkpointer. Whoever has a former key could make up a checkpoint; the archive does not believe it."),
    ),
    "policy_changed": (
        _("The checkpointer names other keys, witnesses or rules than those that the archive believes. It goes on believing the former ones."),
        _("If the keys of a log were changed, this ends once a checkpoint was signed by both. Otherwise ask who changed them; what is right is set by people on the archive's own machine."),
    ),
    "read_by_others": (
        _("Somebody else read this log with the archive's own credential, at least so many times."),
        _("Give the archive's client another secret at the identity provider, and find out where it was read from: the log names nobody, but whoever has it sees what every case came to. This is shown for thirty days after the last time."),
    ),
    "checkpoint_behind": (
        _("Entries of this log have been archived for a minute or longer, and no checkpoint covers them."),
        _("Have the checkpointer and its witnesses looked after. What is not covered could be changed without a checkpoint saying so."),
    ),
    "archive_behind": (
        _("A checkpoint was signed of entries that have not reached the archive for a minute or longer."),
        _("Have the broker and the archive's worker looked after. Nothing is lost as long as the service has its own log."),
    ),
    "not_watched": (
        _("Nobody has compared this log with the archive for a minute or longer."),
        _("Have the archive's worker started again. What was changed in between is found when it runs."),
    ),
    "comparison_waits": (
        _("The service does not answer the archive, so that its log is not compared now."),
        _("If it lasts, have the service looked after. What was changed in between is found when it answers."),
    ),
    "comparison_late": (
        _("This log was not compared whole with the archive for longer than an hour."),
        _("Have the service and the archive's worker looked after: what was changed since then may not have been found."),
    ),
    "check_waits": (
        _("The archive cannot check itself now."),
        _("If it lasts, have the archive's database looked after."),
    ),
    "check_late": (
        _("The archive of this log was not checked whole in itself for longer than a day."),
        _("Have the archive's worker and its database looked after."),
    ),
    "no_checkpoint": (
        _("No checkpoint of this log was kept yet."),
        _("In a new system wait a minute. If it lasts, have the checkpointer and its witnesses looked after."),
    ),
    "checkpoint_late": (
        _("No new checkpoint was signed for longer than a minute."),
        _("Have the checkpointer and its witnesses looked after. It signs nothing any more where a log does not continue what it signed before."),
    ),
    "break_unproven": (
        _("The archive's database says that this log was set back and goes on from an earlier entry, and nothing proves it."),
        _("Ask who has the password of the archive's worker, and change it. What was set apart by that is still in the archive, under the name of the log with the number behind it."),
    ),
    "tail_unproven": (
        _("The archive's database says that entries were set apart because the log was signed with others in their place, and nothing proves it."),
        _("Ask who has the password of the archive's worker, and change it. What was set apart by that is still in the archive, under the name of the log with a t and the number behind it. Have the stream filled again from the log."),
    ),
    "break_unlike_archive": (
        _("The checkpointer says that this log was set back, and what it says of the entries before is not what was archived."),
        _("Keep both. Nothing was set apart. Ask who keeps the checkpointer, and who changed which of the two."),
    ),
    "rows_other": (
        _("A row of the service says something else than its events: somebody changed it past the log."),
        _("Rely on the log and not on the row. Find out who changed it; the row is put right by hand from its events, by two persons."),
    ),
    "rows_missing": (
        _("The log has events of something of which the service has no row any more: somebody took it out."),
        _("Rely on the log. Find out who took it out; the row is put back by hand from its events, by two persons."),
    ),
    "rows_unlogged": (
        _("The service has a row of which the log knows nothing: somebody put it in."),
        _("Rely on nothing that it says, and pay nothing on it. Find out who put it in, and have it taken out."),
    ),
    "rows_broken": (
        _("The events of something cannot be what commands recorded: one of them does not follow from the others."),
        _("Compare these events with those of the archive, and find out who changed the log."),
    ),
    "rows_derived": (
        _("A list, or a sum, that the service keeps of its rows does not agree with them."),
        _("Rely on the rows themselves. If nobody changed the list by hand, whoever wrote the program has to be told."),
    ),
    "rows_log": (
        _("The log has entries of a kind that the service does not know."),
        _("Compare these events with those of the archive, and find out who wrote them."),
    ),
    "rows_more": (
        _("More rows than are named here differ from the log; this is how many."),
        _("Take the service's database out of use as evidence, and ask who restored or changed it."),
    ),
    "rows_not_verified": (
        _("The service has not said for three minutes or longer that it holds its rows against their events."),
        _("Have the service's worker looked after. What was changed in between is found when it runs."),
    ),
}  # fmt: skip
UNKNOWN: Final = (_("Something is wrong that this page has no words for."), _("Have the archive looked after."))


@router.get("/integrity")
async def integrity(page: Reading) -> Response:
    """Each log's latest checkpoint and who signed it, how far the archive is, and every alarm with what to do."""
    logs = (await page.ask("audit", "/v1/archive/integrity")).body
    return await page.show("integrity.html", logs=logs, means=ALARMS, unknown=UNKNOWN)


@router.get("/integrity/policy")
async def policy(page: Reading) -> Response:
    """The keys of logs and witnesses as a C2SP tlog-policy."""
    return await _taken(page, "/v1/archive/policy", "policy")


@router.get("/integrity/keys")
async def keys(page: Reading) -> Response:
    """The same keys in PEM."""
    return await _taken(page, "/v1/archive/keys", "keys.pem")


@router.get("/integrity/{log}/checkpoint")
async def checkpoint(log: LogName, page: Reading) -> Response:
    """A log's latest checkpoint as it was signed."""
    return await _taken(page, f"/v1/archive/{log}/checkpoint", f"{log}.checkpoint")


@router.get("/integrity/{log}/breaks/{generation}")
async def broken(log: LogName, generation: Generation, page: Reading) -> Response:
    """What proves that a log was set back, from where it goes on, and that two persons accepted it."""
    return await _taken(page, f"/v1/archive/{log}/breaks/{generation}", f"{log}-{generation}.break")


async def _taken(page: Page, path: str, name: str) -> Response:
    body: str = (await page.ask("audit", path)).body
    return Response(
        body, media_type="text/plain; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
