"""Writing the operation log: every service does it in the transaction of its own work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prewatt.office.operators.models import OperationLog, Operator

SYSTEM = "system"


def record(
    *,
    by: Operator | None,
    at: datetime,
    action: str,
    subject: str = "",
    summary: str = "",
    data: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> OperationLog:
    """Add a line to the operation log. ``by`` None is the system itself; ``data`` must be plain JSON."""
    return OperationLog.objects.create(
        at=at,
        operator=by,
        operator_name=by.name[:60] if by else SYSTEM,
        action=action,
        subject=subject[:120],
        summary=summary[:300],
        data=dict(data or {}),
        address=address,
    )
