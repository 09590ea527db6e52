"""What the job makes for broker and users: whose it is, how long it lasts, and that a key is never replaced."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ops.bus_keys import (
    AUTHORITY,
    CA_FILE,
    CERTIFICATE_FILE,
    LEAF_DAYS,
    NKEYS_FILE,
    SEED_FILE,
    SERVER,
    main,
    make_bus_keys,
)
from ops.embedded.nats import all_permissions
from shared.nkeys import UserKey

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def _all(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_everything_is_for_its_owner_only(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), NOW)
    for one in tmp_path.rglob("*"):
        assert one.stat().st_mode & 0o777 == (0o700 if one.is_dir() else 0o600)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), NOW)
    before = _all(tmp_path)
    assert make_bus_keys(tmp_path, ("nats",), NOW + timedelta(days=30)) == []
    assert _all(tmp_path) == before


def test_a_certificate_is_made_anew_a_year_before_it_ends_and_no_key_is(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), NOW)
    before = _all(tmp_path)
    made = make_bus_keys(tmp_path, ("nats",), NOW + timedelta(days=LEAF_DAYS - 364))
    assert set(made) == {f"{part}/{CERTIFICATE_FILE}" for part in (SERVER, *all_permissions())}
    after = _all(tmp_path)
    assert {name for name, content in after.items() if before[name] != content} == set(made)


def test_users_have_certificates_for_clients_and_the_broker_one_for_its_names(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats", "10.1.2.3"), NOW)
    authority = x509.load_pem_x509_certificate((tmp_path / AUTHORITY / CA_FILE).read_bytes())
    for part in (SERVER, *all_permissions()):
        certificate = x509.load_pem_x509_certificate((tmp_path / part / CERTIFICATE_FILE).read_bytes())
        certificate.verify_directly_issued_by(authority)
        (purpose,) = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert purpose == (x509.OID_SERVER_AUTH if part == SERVER else x509.OID_CLIENT_AUTH)
    broker = x509.load_pem_x509_certificate((tmp_path / SERVER / CERTIFICATE_FILE).read_bytes())
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["nats", "10.1.2.3"]


def test_the_broker_is_told_public_keys_only(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), NOW)
    told = (tmp_path / SERVER / NKEYS_FILE).read_text()
    for user in all_permissions():
        seed = (tmp_path / user / SEED_FILE).read_text()
        assert f'NKEY_{user.upper()}: "{UserKey.from_seed(seed).public}"\n' in told
        assert seed not in told


def test_a_seed_that_was_taken_away_is_replaced_and_the_broker_told(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), NOW)
    (tmp_path / "returns" / SEED_FILE).unlink()
    assert make_bus_keys(tmp_path, ("nats",), NOW) == [f"returns/{SEED_FILE}", f"{SERVER}/{NKEYS_FILE}"]


def test_a_seed_reads_as_the_key_that_wrote_it_and_as_nats_writes_them() -> None:
    key = UserKey.made()
    assert UserKey.from_seed(key.seed + "\n").public == key.public
    assert (key.seed[:2], len(key.seed), key.public[:1], len(key.public)) == ("SU", 58, "U", 56)
    # The pair of the example in NATS's own documentation of nkeys.
    example = UserKey.from_seed("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY")
    assert example.public == "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


@pytest.mark.parametrize("wrong", ["", "SU", "a password", "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VA"])
def test_what_is_no_seed_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^not the seed of a user of the broker$"):
        UserKey.from_seed(wrong)


def test_without_a_name_for_the_broker_the_job_does_nothing(tmp_path: Path) -> None:
    assert main([str(tmp_path / "keys")]) == 2
    assert not (tmp_path / "keys").exists()
