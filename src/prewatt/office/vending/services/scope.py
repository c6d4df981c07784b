"""Nobody touches an order outside the part of the building they work for."""

from __future__ import annotations

from prewatt.office.estate.selectors import scope_groups
from prewatt.office.operators.models import Operator
from prewatt.office.vending import errors
from prewatt.office.vending.models import CreditOrder


def check_scope(order: CreditOrder, by: Operator) -> None:
    """Raises Refusal outside-scope."""
    scope = scope_groups(by)
    if scope is not None and order.agreement.premises.group_id not in scope:
        raise errors.outside_scope()
