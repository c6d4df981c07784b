"""``prewatt operator``: the first operator of a site, or a new password for one who forgot his."""

from __future__ import annotations

import argparse
import secrets

from prewatt.main import bootstrap
from prewatt.main.home import Home

# no 0/O, 1/l/I: a password is read from a screen and typed once
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_password(length: int = 14) -> str:
    """A password that a person can type."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def make_first(username: str, name: str, password: str) -> None:
    """Make the first operator, an administrator, and the first till, by the system itself."""
    from prewatt.office.operators import services
    from prewatt.office.operators.models import Role
    from prewatt.office.vending.services.counters import ensure_counter

    at = bootstrap.utc_now()
    services.ensure_builtin_roles(at=at)
    roles = list(Role.objects.filter(code="administrator"))
    ensure_counter(name="1号窗口", prefix="A", by=None, at=at)
    services.create_operator(
        username=username, name=name, password=password, roles=roles, by=None, at=at, must_change_password=False
    )


def main(argv: list[str]) -> int:
    """Make an operator or reset a password; print it once."""
    parser = argparse.ArgumentParser(prog="./run operator", description="First operator, or a new password.")
    parser.add_argument("username")
    parser.add_argument("--name", default="")
    options = parser.parse_args(argv)
    bootstrap.use(Home.find())
    bootstrap.migrate()
    from prewatt.office.operators import services
    from prewatt.office.operators.models import Operator

    existing = Operator.objects.filter(username=options.username).first()
    if existing:
        password = services.reset_password(operator=existing, by=None, at=bootstrap.utc_now())
    else:
        password = new_password()
        make_first(options.username, options.name or options.username, password)
    print(f"operator {options.username}   password {password}")
    return 0
