"""Signing in: a delay that grows with each wrong password, and never locks a person out for ever.

A name that does not exist costs the same time and gives the same answer as a wrong password.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop as _

from prewatt.office.operators.errors import SignInRefused
from prewatt.office.operators.log import record
from prewatt.office.operators.models import OperationLog, Operator

FREE_TRIES = 2  # a typing error costs nothing
FIRST_DELAY_S = 5
LONGEST_DELAY_S = 900
TRIES_A_MINUTE = 5  # from one address, whatever the names
FAILED = "operators.sign-in.failed"
WRONG = _("The user name or the password is wrong.")
WAIT = _("Too many wrong tries. Please wait %(wait)d seconds and try again.")


def delay_after(failures: int) -> int:
    """Seconds to wait after so many wrong passwords in a row: 0, 0, 5, 10, 20 … 900."""
    if failures <= FREE_TRIES:
        return 0
    return min(FIRST_DELAY_S << min(failures - FREE_TRIES - 1, 10), LONGEST_DELAY_S)


def sign_in(*, username: str, password: str, at: datetime, address: str | None = None) -> Operator:
    """The operator of that name and password. Raises SignInRefused, with ``wait_s`` when it is too soon."""
    wait = _wait_of_address(address, at)
    if wait:
        raise SignInRefused("sign-in-wait", WAIT, wait_s=wait)
    operator = Operator.objects.filter(username=username.strip()).first()
    if operator is None:
        make_password(password)  # as slow as a check: the answer's time tells nothing
        record(by=None, at=at, action=FAILED, subject=username[:40], address=address)
        raise SignInRefused("sign-in-wrong", WRONG)
    wait = _seconds_until(operator.refused_until, at)
    if wait:
        raise SignInRefused("sign-in-wait", WAIT, wait_s=wait)
    if not (check_password(password, operator.password) and operator.is_active):
        _count_failure(operator, at, address)
        raise SignInRefused("sign-in-wrong", WRONG)
    with transaction.atomic():
        Operator.objects.filter(pk=operator.pk).update(failed_sign_ins=0, refused_until=None, last_sign_in_at=at)
        record(by=operator, at=at, action="operators.sign-in", subject=operator.username, address=address)
    operator.refresh_from_db()
    return operator


def sign_out(*, operator: Operator, at: datetime, address: str | None = None) -> None:
    """Write down that an operator left. The session is the web room's to end."""
    record(by=operator, at=at, action="operators.sign-out", subject=operator.username, address=address)


def _count_failure(operator: Operator, at: datetime, address: str | None) -> None:
    with transaction.atomic():
        Operator.objects.filter(pk=operator.pk).update(failed_sign_ins=F("failed_sign_ins") + 1)
        failures = Operator.objects.values_list("failed_sign_ins", flat=True).get(pk=operator.pk)
        until = at + timedelta(seconds=delay_after(failures))
        Operator.objects.filter(pk=operator.pk).update(refused_until=until)
        record(
            by=operator, at=at, action=FAILED, subject=operator.username, data={"failures": failures}, address=address
        )


def _wait_of_address(address: str | None, at: datetime) -> int:
    """Seconds until that address may try again: 0 unless it had too many wrong tries within a minute."""
    if address is None:
        return 0
    since = at - timedelta(minutes=1)
    times = OperationLog.objects.filter(at__gt=since, at__lte=at, action=FAILED, address=address).order_by("-at")
    newest = list(times.values_list("at", flat=True)[:TRIES_A_MINUTE])
    if len(newest) < TRIES_A_MINUTE:
        return 0
    return max(1, _seconds_until(newest[-1] + timedelta(minutes=1), at))


def _seconds_until(moment: datetime | None, at: datetime) -> int:
    if moment is None or moment <= at:
        return 0
    return max(1, round((moment - at).total_seconds()))
