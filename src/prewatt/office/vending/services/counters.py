"""Tills."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator
from prewatt.office.vending.models import Counter


@transaction.atomic
def ensure_counter(*, name: str, prefix: str, by: Operator | None, at: datetime) -> Counter:
    """The till of that prefix, made when there is none yet."""
    counter, made = Counter.objects.get_or_create(prefix=prefix, defaults={"name": name})
    if made:
        record(by=by, at=at, action="vend.counter", subject=name, data={"prefix": prefix})
    return counter
