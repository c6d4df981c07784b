"""``./run serve``: a site in production. Store, head-end, worker and console, on a home of its own."""

from __future__ import annotations

import argparse

from prewatt.core.errors import Refusal
from prewatt.main import bootstrap, demo, supervisor, web
from prewatt.main.home import SITE, Home
from prewatt.main.operator import make_first, new_password

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def main(argv: list[str]) -> int:
    """Run a site until SIGTERM or Ctrl-C."""
    argparse.ArgumentParser(prog="./run serve", description="A site: web, head-end, store and worker.").parse_args(argv)
    host, port = web.address()
    home = Home.from_environment(SITE)
    files = web.certificate(home)
    if host not in LOOPBACK and not files:
        raise Refusal(
            "needs-tls",
            "On %(host)s the console needs TLS: ./run pki init --host %(host)s makes a certificate of the site's own, "
            "or set PREWATT_TLS_CERT and PREWATT_TLS_KEY to two files.",
            host=host,
        )
    home.create(SITE)
    with home.hold():
        web.require_free(host, port)
        bootstrap.use(home)
        bootstrap.migrate()
        password = first_operator(home)
        scheme = "https" if files else "http"
        children = supervisor.children(demo.PROCESSES)
        return demo.run(home, children, f"{scheme}://{host}:{port}/", password)


def first_operator(home: Home) -> str:
    """Make the site's row and first operator when there is none; the password, shown this once, else ""."""
    from prewatt.office.estate.services import save_site
    from prewatt.office.operators.models import Operator

    if Operator.objects.exists():
        return ""
    password = new_password()
    make_first("admin", "系统管理员", password)
    operator = Operator.objects.get(username="admin")
    save_site(by=operator, at=home.clock().now(), name="Prewatt", demo=False)
    return password
