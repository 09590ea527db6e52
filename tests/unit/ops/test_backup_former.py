"""What a system was restored from ends like its own copies, its settings are known again, and copies of nobody's are named."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from ops.backup.ending import end_former
from ops.backup.kept_settings import KeptSettings, as_it_is_copied, note_settings, settings_of
from ops.backup.keys_apart import manifest_key
from ops.backup.manifests import write_manifest
from ops.backup.notes import Note, write_note
from ops.backup.places import House, Run, house_of, last_copied, make_house_after, remember, stamp
from ops.backup.programs import Programs
from ops.doctor.copies import of_others
from ops.settings import CannotStart, OpsSettings
from tests.given import NOON

FORMER, OWN = "0123456789ab", "ba9876543210"
DAYS = 7
NOWHERE = Programs(Path("/nowhere"))


def copies(place: Path, days: float, noted: float | None = None, house: str = FORMER) -> tuple[Path, Path]:
    """Copies with a base of so many days ago, a log that is complete to later, and their keys."""
    run = Run(place / "backups" / house / "run-1")
    run.make()
    (run.folder / "base" / stamp(NOON - timedelta(days=days))).mkdir()
    if noted is not None:
        write_note(run.note, Note(NOON - timedelta(days=noted), 1))
    keys = place / "keys" / house
    made = keys / stamp(NOON - timedelta(days=400))
    made.mkdir(parents=True)
    write_manifest(made, manifest_key(made / "secrets"), {})
    return run.folder.parent, keys


async def test_a_former_system_ends_whole_with_its_keys_once_nothing_of_it_is_younger(tmp_path: Path) -> None:
    house, keys = copies(tmp_path, DAYS + 9, DAYS + 1)
    assert await end_former(house, keys, DAYS, NOWHERE, NOON) == 1
    assert list(house.parent.iterdir()) == list(keys.parent.iterdir()) == []


async def test_a_key_that_somebody_keeps_open_holds_nothing_once_the_former_system_ended(tmp_path: Path) -> None:
    house, keys = copies(tmp_path, DAYS + 9, DAYS + 1)
    secret = next(path for path in keys.rglob("backup_manifest"))
    before = secret.read_bytes()
    with secret.open("rb") as held:
        await end_former(house, keys, DAYS, NOWHERE, NOON)
        assert held.read() != before


@pytest.mark.parametrize("noted", [0.01, 1], ids=["runs", "stopped a day ago"])
async def test_a_system_that_is_still_written_is_let_be_however_old_its_bases_are(tmp_path: Path, noted: float) -> None:
    house, keys = copies(tmp_path, 400, noted)
    assert await end_former(house, keys, DAYS, NOWHERE, NOON) == 0
    assert (len(Run(house / "run-1").bases()), len(list(keys.iterdir()))) == (1, 1)


async def test_keys_whose_copies_are_not_here_are_kept(tmp_path: Path) -> None:
    _, keys = copies(tmp_path, 400)
    assert await end_former(tmp_path / "elsewhere" / FORMER, keys, DAYS, NOWHERE, NOON) == 0
    assert len(list(keys.iterdir())) == 1


def test_what_copies_are_of_is_told_by_bases_and_notes(tmp_path: Path) -> None:
    house, _ = copies(tmp_path, 3, 2)
    assert last_copied(house) == NOON - timedelta(days=2)
    assert last_copied(tmp_path / "nothing") is None


def test_a_restored_folder_remembers_what_it_was_made_of_under_an_id_of_its_own(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path)
    make_house_after(settings, (FORMER, OWN, FORMER))
    found = house_of(settings)
    assert found is not None
    assert (found.former, found.id in (FORMER, OWN)) == ((FORMER, OWN), False)
    (tmp_path / "backup.json").write_text(f'{{"id": "{OWN}", "run": 1, "keys": null, "former": ["../{OWN}"]}}')
    with pytest.raises(CannotStart):
        house_of(settings)
    # As it was written before there were any.
    (tmp_path / "backup.json").write_text(f'{{"id": "{OWN}", "run": 2, "keys": null}}')
    assert house_of(settings) == House(OWN, 2)


@pytest.mark.parametrize(("days", "named"), [(31, True), (29, False)])
def test_copies_of_another_system_are_named_once_they_are_older_than_any_copy_is_kept(tmp_path: Path, days: int, named: bool) -> None:
    settings = OpsSettings(data=tmp_path, backup_dir=tmp_path / "backups", backup_keys_dir=tmp_path / "keys")
    house, keys = copies(tmp_path, days)
    copies(tmp_path, 400, house=OWN)
    remember(settings, House(OWN))
    found = of_others(settings, NOON)
    assert [one.level for one in found] == (["warning"] if named else [])
    assert all(str(house) in one.sentence and str(keys) in one.sentence for one in found)
    # Keys of which no copies are left are named as well.
    house.rename(tmp_path / "gone")
    os.utime(keys, ((NOON - timedelta(days=days)).timestamp(),) * 2)
    assert len(of_others(settings, NOON)) == len(found)


ENVIRONMENT = {
    "AVRR_LOGS_ORIGIN": "logs.mission.example", "AVRR_BACKUP_KEYS_DIR": "/mnt/keys", "AVRR_ALERT_SMTP_PASSWORD_FILE": "/etc/avrr/smtp",
    "AVRR_DATABASE_URL": "postgresql://invented:secret@db.example/x", "AVRR_ALERT_TO": "somebody@mission.example",
    "AVRR_PORTAL_SESSION_KEY": "invented", "AVRR_NATS_PASSWORD": "invented", "AVRR_TOKEN": "invented", "PATH": "/bin",
}  # fmt: skip


def test_every_setting_is_kept_but_secrets_and_addresses_of_persons_of_which_the_names_are() -> None:
    found = KeptSettings.of(ENVIRONMENT)
    assert found.kept == {name: ENVIRONMENT[name] for name in ("AVRR_LOGS_ORIGIN", "AVRR_BACKUP_KEYS_DIR", "AVRR_ALERT_SMTP_PASSWORD_FILE")}
    assert set(found.left_out) == {"AVRR_DATABASE_URL", "AVRR_ALERT_TO", "AVRR_PORTAL_SESSION_KEY", "AVRR_NATS_PASSWORD", "AVRR_TOKEN"}
    said = "\n".join(found.lines)
    assert "AVRR_LOGS_ORIGIN=logs.mission.example" in said
    assert "AVRR_ALERT_TO" in said
    assert not [value for value in ("invented", "secret@", "somebody") if value in said]
    assert KeptSettings.told(found.content) == found


def test_a_backup_has_the_settings_of_the_start_and_not_those_of_whoever_takes_it(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path, logs_origin="logs.mission.example")
    assert settings_of(settings, {"AVRR_LOG_LEVEL": "debug"}).kept == {"AVRR_LOG_LEVEL": "debug"}
    note_settings(settings, {"AVRR_LOG_LEVEL": "info"})
    found = settings_of(OpsSettings(data=tmp_path), {"AVRR_LOG_LEVEL": "debug"})
    assert found.kept == {"AVRR_LOG_LEVEL": "info", "AVRR_LOGS_ORIGIN": "logs.mission.example"}
    assert (tmp_path / "settings.json").stat().st_mode & 0o077 == 0


def test_a_base_from_before_settings_were_kept_by_their_names_tells_none() -> None:
    assert KeptSettings.told({"settings": {"logs_origin": "avrr.localhost"}}) == KeptSettings({}, ())
    assert KeptSettings.told({}).lines == []


def test_a_scheduler_that_hands_nothing_on_copies_where_the_last_start_had_it(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path)
    assert (as_it_is_copied(settings).backup_dir, as_it_is_copied(settings).backup_keys_dir) == (None, None)
    note_settings(settings, {"AVRR_BACKUP_DIR": "/mnt/backup/avrr", "AVRR_BACKUP_KEYS_DIR": "/mnt/keys/avrr"})
    found = as_it_is_copied(settings)
    assert (found.backup_dir, found.backup_keys_dir) == (Path("/mnt/backup/avrr"), Path("/mnt/keys/avrr"))
    # Who names another place means it.
    named = as_it_is_copied(OpsSettings(data=tmp_path, backup_dir=tmp_path / "elsewhere"))
    assert (named.backup_dir, named.backup_keys_dir) == (tmp_path / "elsewhere", Path("/mnt/keys/avrr"))
