"""A small authority in a folder, for tests of what is protected by its certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from prewatt.field.links.tls import Papers, Revocations
from prewatt.main.authority import Authority


class Office:
    """Authority, server, and gateways enrolled on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pki"
        self.authority = Authority(self.folder, datetime.now(UTC))
        self.authority.make("Test", [])

    @property
    def server(self) -> Papers:
        return Papers.of_server(self.folder)

    @property
    def revocations(self) -> Revocations:
        return Revocations(self.folder / "crl.pem", self.folder / "ca.pem")

    def gateway(self, name: str) -> Papers:
        return Papers.of_gateway(self.authority.enrol(name))
