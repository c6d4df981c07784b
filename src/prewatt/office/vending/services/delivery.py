"""The verbs of delivery as one list: the head-end carries and reports, the office decides.

``lease`` and ``due`` say who may carry what; ``arm`` and ``retry`` give leave to send one frame, committed before its
first byte; ``observe`` decides from what the meter showed. Each is one transaction.
"""

from __future__ import annotations

from prewatt.office.vending.errors import LeaseLost
from prewatt.office.vending.services.arming import Grant, NoGrant, arm, retry
from prewatt.office.vending.services.leases import Claim, current, lease
from prewatt.office.vending.services.observing import Outcome, Step, observe
from prewatt.office.vending.services.queue import Task, due, work_waiting

__all__ = [
    "Claim",
    "Grant",
    "LeaseLost",
    "NoGrant",
    "Outcome",
    "Step",
    "Task",
    "arm",
    "current",
    "due",
    "lease",
    "observe",
    "retry",
    "work_waiting",
]
