"""What may be decided from outside about a start."""

import pytest

from ops.settings import PROJECT, CannotStart, OpsSettings, read_settings


def test_data_lives_in_the_project_folder_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVRR_DATA", raising=False)
    assert OpsSettings().data_folder == PROJECT / ".avrr"
    monkeypatch.setenv("AVRR_DATA", "/srv/avrr")
    assert str(OpsSettings().secrets_folder) == "/srv/avrr/secrets"


def test_ports_are_named_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_PORTS", "postgres=15999, returns=9002")
    assert OpsSettings().ports == {"postgres": 15999, "returns": 9002}


@pytest.mark.parametrize("ports", ["postgres", "postgres=32768", "postgres=0", "postgres=geheim"])
def test_a_variable_that_makes_no_sense_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, ports: str
) -> None:
    monkeypatch.setenv("AVRR_PORTS", ports)
    with pytest.raises(CannotStart) as refused:
        read_settings()
    assert refused.value.sentence == "AVRR_PORTS can't be understood"


def test_an_administrators_password_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_DATABASE_URL", "postgresql://admin:geheim@db/postgres")
    assert "geheim" not in repr(OpsSettings())
