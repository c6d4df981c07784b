"""The authority by its verb: made once, enrols, renews, revokes and lists; its files are their owner's alone."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from prewatt.core.errors import Refusal
from prewatt.main import pki, web
from prewatt.main.authority import Authority
from prewatt.main.home import DEMO, SITE, Home
from prewatt.main.secrets_ import ACREL, RECORDS, GatewaySecrets

Run = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PREWATT_HOME", str(tmp_path / "site"))
    for name in ("PREWATT_TLS_CERT", "PREWATT_TLS_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path / "site")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*argv: str) -> str:
        assert pki.main(list(argv)) == 0
        return capsys.readouterr().out

    return call


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rows(run: Run) -> list[tuple[str, str]]:
    return [(row["gateway"], row["state"]) for row in json.loads(run("list", "--json"))]


def test_the_authority_is_made_once_and_its_files_are_their_owners_alone(home: Home, run: Run) -> None:
    run("init", "--host", "prewatt.tower.cn", "--host", "10.1.2.3")
    folder = home.path / "pki"
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}
    assert not list(folder.glob("*.new"))
    with pytest.raises(Refusal, match="already"):
        pki.main(["init"])
    server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"prewatt.tower.cn", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert "10.1.2.3" in map(str, names.get_values_for_type(x509.IPAddress))
    assert server.not_valid_after_utc - datetime.now(UTC) < timedelta(days=398)
    server.verify_directly_issued_by(x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()))


def test_a_gateway_is_enrolled_renewed_revoked_and_enrolled_again(home: Home, run: Run, tmp_path: Path) -> None:
    run("init")
    out = tmp_path / "usb" / "A区"
    run("enrol", "A区 1/2", "--out", str(out))
    assert sorted(file.name for file in out.iterdir()) == ["ca.pem", "gateway.key", "gateway.pem"]
    assert mode(out) == 0o700
    assert {mode(file) for file in out.iterdir()} == {0o600}
    with pytest.raises(Refusal, match="valid certificate"):
        pki.main(["enrol", "A区 1/2"])
    first = (out / "gateway.key").read_bytes()
    run("renew", "A区 1/2")
    bundle = next((home.path / "pki" / "bundles").iterdir())
    assert (bundle / "gateway.key").read_bytes() != first
    assert rows(run) == [("", "valid"), ("A区 1/2", "valid"), ("A区 1/2", "valid")]
    run("revoke", "A区 1/2", "--reason", "stolen")
    assert rows(run) == [("", "valid"), ("A区 1/2", "revoked"), ("A区 1/2", "revoked")]
    crl = x509.load_pem_x509_crl((home.path / "pki" / "crl.pem").read_bytes())
    revoked = {x509.load_pem_x509_certificate((place / "gateway.pem").read_bytes()).serial_number
               for place in (out, bundle)}  # fmt: skip
    assert {entry.serial_number for entry in crl} == revoked
    run("enrol", "A区 1/2")
    assert rows(run)[-1] == ("A区 1/2", "valid")
    assert "stolen" in run("list")


@pytest.mark.parametrize(
    "argv", [["enrol", "x"], ["renew", "x"], ["revoke", "x"], ["list"], ["server"]], ids=lambda argv: argv[0]
)
def test_without_an_authority_nothing_is_signed(home: Home, argv: list[str]) -> None:
    home.create(SITE)
    with pytest.raises(Refusal, match="pki init"):
        pki.main(argv)


def test_what_makes_no_sense_is_refused(home: Home, run: Run) -> None:
    run("init")
    for argv in (["renew", "x"], ["revoke", "x"], ["enrol", " x"], ["enrol", ""], ["server", "--host", "a b..c"]):
        with pytest.raises(Refusal):
            pki.main(argv)
    assert rows(run) == [("", "valid")]


def test_renewing_all_takes_those_that_end_soon(home: Home, run: Run) -> None:
    home.create(SITE)
    old = Authority(home.path / "pki", datetime.now(UTC) - timedelta(days=790))
    old.make("Prewatt", ["tower"])
    old.enrol("old")
    old.enrol("gone")
    Authority(home.path / "pki", datetime.now(UTC)).revoke("gone", "")
    Authority(home.path / "pki", datetime.now(UTC)).enrol("young")
    said = run("renew")
    assert "old: " in said
    assert "server: renewed" in said
    assert "gone" not in said
    assert "young" not in said
    assert "tower" in Authority(home.path / "pki", datetime.now(UTC)).server_hosts()


def test_the_console_of_a_site_takes_the_certificate_of_its_authority(
    home: Home, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.create(SITE)
    assert web.certificate(home) is None
    run("init")
    folder = home.path / "pki"
    assert web.certificate(home) == (folder / "server.pem", folder / "server.key")
    monkeypatch.setenv("PREWATT_TLS_CERT", str(folder / "ca.pem"))
    monkeypatch.setenv("PREWATT_TLS_KEY", str(folder / "ca.key"))
    assert web.certificate(home) == (folder / "ca.pem", folder / "ca.key")


def test_a_demo_stays_plain(tmp_path: Path, home: Home, run: Run) -> None:
    home.create(DEMO)
    run("init")
    assert web.certificate(home) is None


def test_a_shared_secret_is_kept_for_its_owner_alone(home: Home, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    home.create(SITE)
    kept = GatewaySecrets(home.path)
    made = run("secret", "北区", "--kind", "3des").strip()
    assert kept.get(RECORDS, "北区") == bytes.fromhex(made)
    assert len(bytes.fromhex(made)) == 32
    device = run("secret", "北区", "--kind", "acrel").strip()
    assert kept.get(ACREL, "北区") == device.encode()
    assert len(device) == 16
    monkeypatch.setattr("sys.stdin", io.StringIO("0123456789abcdef\n"))
    run("secret", "北区", "--kind", "acrel", "--stdin")
    assert kept.get(ACREL, "北区") == b"0123456789abcdef"
    file = home.path / "gateway-secrets.json"
    assert mode(file) == 0o600
    assert kept.names() == [(RECORDS, "北区"), (ACREL, "北区")]
    run("secret", "北区", "--kind", "acrel", "--drop")
    assert kept.get(ACREL, "北区") is None
    file.chmod(0o640)
    with pytest.raises(Refusal, match="0600"):
        kept.get(RECORDS, "北区")


@pytest.mark.parametrize(("kind", "given"), [("acrel", "short"), ("3des", "00"), ("3des", "no hex")])
def test_a_secret_that_is_none_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch, kind: str, given: str) -> None:
    home.create(SITE)
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    with pytest.raises(Refusal):
        pki.main(["secret", "x", "--kind", kind, "--stdin"])
