"""Generated secrets: private, and the same for ever."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.secrets import Secrets
from ops.settings import CannotStart


def test_a_secret_is_private_to_its_owner(tmp_path: Path) -> None:
    Secrets(tmp_path / "secrets").password("database")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "database").stat().st_mode) == 0o600


def test_a_secret_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    first = Secrets(tmp_path)
    again = Secrets(tmp_path)
    assert first.password("database") == again.password("database")
    assert first.key("epoch") == again.key("epoch")


def test_where_no_secret_can_be_kept_that_is_said_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="The secret exports can't be kept") as refused:
        Secrets(tmp_path / "file" / "secrets").key("exports")
    assert refused.value.code == "system"


def test_secrets_differ_and_are_long(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    assert secrets.password("one") != secrets.password("two")
    assert len(secrets.password("one")) >= 43
    assert len(secrets.key("epoch")) == 32


def test_starts_at_the_same_moment_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: Secrets(tmp_path).password("database"), range(64)))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["database"]


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.password("database")
    (tmp_path / "database").chmod(0o640)
    with pytest.raises(CannotStart) as refused:
        secrets.password("database")
    assert refused.value.code == "secret_exposed"


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.key("epoch", 16)
    with pytest.raises(CannotStart) as refused:
        secrets.key("epoch", 32)
    assert refused.value.code == "secret_damaged"


def test_a_secret_in_a_form_of_its_own_is_made_once(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    assert secrets.stored("signing", lambda: b"first") == b"first"
    assert secrets.stored("signing", lambda: b"second") == b"first"


@pytest.mark.parametrize("name", ["", "../outside", "a/b", ".hidden"])
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="consists of"):
        Secrets(tmp_path).password(name)
