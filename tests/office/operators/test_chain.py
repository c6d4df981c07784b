"""The hash chain: every edit, deletion, insertion and exchange of sealed rows is found, and the first bad row is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from prewatt.office.operators import chain, services
from prewatt.office.operators.guards import guard_sql, release_sql
from prewatt.office.operators.models import OperationLog, Seal
from tests.office import factories as make

pytestmark = pytest.mark.django_db

TABLES = [OperationLog]
ROWS = 40
SEEDS = 40


def fill(count: int = ROWS) -> None:
    for number in range(count):
        at = make.AT + timedelta(seconds=number)
        services.record(by=None, at=at, action="vend.sell", subject=f"A{number:03d}", data={"fen": number, "b": "元"})


def without_guards(act: Callable[[], object]) -> None:
    """What somebody with the database's own tools could do."""
    with connection.cursor() as cursor:
        for table in ("operators_operationlog", "operators_seal"):
            for statement in release_sql(table, connection.vendor):
                cursor.execute(statement)
        act()
        for table in ("operators_operationlog", "operators_seal"):
            for statement in guard_sql(table, connection.vendor):
                cursor.execute(statement)


def test_sealed_rows_verify_and_sealing_again_adds_nothing() -> None:
    fill()
    assert chain.state(TABLES).unsealed == ROWS
    assert chain.seal(TABLES, at=make.AT) == ROWS
    assert chain.seal(TABLES, at=make.AT) == 0
    assert chain.verify(TABLES) is None
    state = chain.state(TABLES)
    assert (state.sealed, state.unsealed) == (ROWS, 0)
    assert state.head == Seal.objects.order_by("-seq")[0].hash


def test_rows_that_wait_for_their_seal_are_no_break() -> None:
    fill(3)
    chain.seal(TABLES, at=make.AT)
    fill(2)
    assert chain.verify(TABLES) is None
    assert chain.state(TABLES).unsealed == 2


def test_a_chain_of_hundreds_of_rows_is_sealed_in_portions() -> None:
    fill(chain.CHUNK + 30)
    assert chain.seal(TABLES, at=make.AT) == chain.CHUNK + 30
    assert chain.verify(TABLES) is None


@pytest.mark.parametrize("statement", ["UPDATE operators_operationlog SET summary='x'", "DELETE FROM operators_seal"])
def test_the_database_itself_refuses_to_change_the_past(statement: str) -> None:
    fill(2)
    chain.seal(TABLES, at=make.AT)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert chain.verify(TABLES) is None


def test_the_chain_cannot_fork() -> None:
    fill(1)
    chain.seal(TABLES, at=make.AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Seal.objects.create(table="other", row=1, hash="1" * 64, previous=chain.GENESIS, at=make.AT)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_tampering_is_found_and_the_first_bad_row_named(seed: int) -> None:
    chance = random.Random(seed)
    fill()
    chain.seal(TABLES, at=make.AT)
    keys = list(OperationLog.objects.order_by("pk").values_list("pk", flat=True))
    place = chance.randrange(ROWS - 1)
    victim, other = keys[place], chance.choice(keys[place + 1 :])
    act, why = chance.choice(
        [(edit, "changed"), (remove, "missing"), (exchange, "changed"), (cut_seal, "order"), (forge_seal, "changed")]
    )
    without_guards(lambda: act(victim, other, chance))
    found = chain.verify(TABLES)
    assert found is not None
    expected = keys[place + 1] if act is cut_seal else victim
    assert (found.table, found.row, found.why) == ("operators_operationlog", expected, why)


def edit(victim: int, other: int, chance: random.Random) -> None:
    change = chance.choice(
        [{"summary": "x"}, {"data": {"fen": 10**6}}, {"at": make.AT - timedelta(days=1)}, {"operator_name": "他"}]
    )
    OperationLog.objects.filter(pk=victim).update(**change)


def remove(victim: int, other: int, chance: random.Random) -> None:
    OperationLog.objects.filter(pk=victim).delete()


def exchange(victim: int, other: int, chance: random.Random) -> None:
    first, second = OperationLog.objects.get(pk=victim), OperationLog.objects.get(pk=other)
    OperationLog.objects.filter(pk=victim).update(subject=second.subject, data=second.data, at=second.at)
    OperationLog.objects.filter(pk=other).update(subject=first.subject, data=first.data, at=first.at)


def cut_seal(victim: int, other: int, chance: random.Random) -> None:
    OperationLog.objects.filter(pk=victim).delete()
    Seal.objects.filter(row=victim).delete()


def forge_seal(victim: int, other: int, chance: random.Random) -> None:
    Seal.objects.filter(row=victim).update(hash="0" * 63 + "1")


def test_an_unsealed_row_far_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "LOOK_BACK", 5)
    fill(20)
    last = OperationLog.objects.order_by("-pk")[0].pk
    OperationLog.objects.create(pk=last + 100, at=make.AT, operator_name="x", action="later")
    chain.seal(TABLES, at=make.AT)
    OperationLog.objects.create(pk=last + 50, at=make.AT, operator_name="x", action="slipped-in")
    assert chain.seal(TABLES, at=make.AT) == 0
    assert chain.verify(TABLES) == chain.Break(0, "operators_operationlog", last + 50, "unsealed")
