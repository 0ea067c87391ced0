"""How much is left of what limits the installation and each mailing? A row for each, locked while one arms.

A rate is a row's `next_at`; canary and budget are counted down in it. `throttle` says what may be taken from them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, Update, bindparam, select, update
from sqlalchemy.orm import Session

from ..database import AnyRow, AnySelect, insert_or_ignore
from ..models import Allowance, RateUnit
from . import bulk

EVERYTHING = 0
# Of the lateness that the bound allows, so much is used: a call that is begun takes a moment to be on its way.
LATE_SHARE = 0.95


@dataclass(slots=True)
class Bucket:
    """What is left of one scope, while its row is locked.

    `pause` is the time one unit takes, `ahead` how long from now on everything is taken (seconds).
    """

    pause: float
    lateness: float
    counts_parts: bool
    next_at: datetime | None
    canary_left: int | None
    parts_left: int | None
    ahead: float = 0.0
    is_changed: bool = False

    def is_spent(self, size: int) -> bool:
        return self.canary_left == 0 or (self.parts_left is not None and self.parts_left < size)

    def take(self, at: float, size: int, is_first_try: bool) -> None:
        """The canary and the budget count messages, not tries."""
        self.is_changed = True
        if self.pause:
            self.ahead = at + self.pause * (size if self.counts_parts else 1)
        if is_first_try and self.canary_left is not None:
            self.canary_left -= 1
        if is_first_try and self.parts_left is not None:
            self.parts_left -= size


def keep(session: Session, buckets: Mapping[int, Bucket], now: datetime) -> None:
    """Write what was taken."""
    rows = [
        {
            "of_scope": scope,
            "next_at": now + timedelta(seconds=bucket.ahead) if bucket.pause else bucket.next_at,
            "canary_left": bucket.canary_left,
            "parts_left": bucket.parts_left,
        }
        for scope, bucket in sorted(buckets.items())
        if bucket.is_changed
    ]
    if rows:
        session.connection().execute(_keeping(), rows)


@bulk.prepared
def _keeping() -> Update:
    allowances = cast("Table", Allowance.__table__)
    columns = ("next_at", "canary_left", "parts_left")
    return (
        update(allowances)
        .where(allowances.c.scope == bindparam("of_scope"))
        .values({name: bindparam(name) for name in columns})
    )


def is_limited(mailing: AnyRow) -> bool:
    """Whether there is an allowance for this mailing."""
    return any(bound is not None for bound in (mailing.rate_limit, mailing.canary_size, mailing.budget_parts))


def locked(session: Session, limited: Mapping[int, AnyRow]) -> dict[int, Bucket]:
    """By scope, locked in ascending order."""
    if not limited:
        return {}
    scopes = {"scopes": bulk.packed(limited)}
    rows = session.connection().execute(_locking(), scopes).all()
    if missing := limited.keys() - {row.scope for row in rows}:
        _open(session, [limited[scope] for scope in sorted(missing)])
        rows = session.connection().execute(_locking(), scopes).all()
    return {row.scope: _bucket(limited[row.scope], row) for row in rows}


@bulk.prepared
def _locking() -> AnySelect:
    columns = (Allowance.scope, Allowance.next_at, Allowance.canary_left, Allowance.parts_left)
    wanted = bulk.any_bound(Allowance.scope.expression, "scopes")
    return select(*columns).where(wanted).order_by(Allowance.scope).with_for_update()


def _open(session: Session, limited: Iterable[AnyRow]) -> None:
    """The first arming of a mailing finds nothing taken yet."""
    rows = [
        {
            "scope": getattr(row, "id", EVERYTHING),
            "canary_left": getattr(row, "canary_size", None),
            "parts_left": getattr(row, "budget_parts", None),
        }
        for row in limited
    ]
    session.execute(insert_or_ignore(Allowance), rows)


def _bucket(limited: AnyRow, left: AnyRow) -> Bucket:
    rate = limited.rate_limit
    return Bucket(
        pause=1 / rate if rate else 0.0,
        lateness=_lateness(rate) if rate else math.inf,
        counts_parts=bool(rate) and limited.rate_unit is RateUnit.PARTS,
        next_at=left.next_at,
        canary_left=left.canary_left,
        parts_left=left.parts_left,
    )


def _lateness(rate: int) -> float:
    allowed = math.floor(rate + max(1, rate / 10))
    return LATE_SHARE * (allowed / rate - 1)
