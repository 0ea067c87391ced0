"""Who sends which message? Arming takes messages for a worker, which then has to call for each of them at once."""

import sys
from collections.abc import Sequence

from sqlalchemy import select

from .. import clock
from ..database import AnySelect, transaction
from ..models import Mailing, Service, State
from . import brakes, bulk, due, pulse
from .armed import Armed, Arming
from .arming import Step
from .policy import SendingPolicy
from .throttle import Throttle


def arm(
    mailing_ids: Sequence[int],
    limit: int,
    token: str,
    policy: SendingPolicy,
    *,
    share: int | None = None,
    at_once: int = sys.maxsize,
    lead: float = 0.0,
    probing: bool = False,
) -> Arming:
    """Mark about `limit` due messages as being sent, equally many of each of these mailings.

    One committed transaction. It holds the rows of the service and the mailings FOR SHARE, so that a brake (pause,
    cancel, the global stop, the breaker) and an arming exclude each other: after a brake's commit nothing is
    armed. Nor is anything once the service has not been at work for long (`pulse`). A crash before the commit
    leaves the messages as they waited; after it, the lease runs out and the sweep decides.

    Of mailings with a rate: `share`, at most so many of each, to begin at their moments (None: as many as of
    others); `at_once`, how many can begin soon (of others the moment would only pass); `lead`, how long it takes
    from giving moments until this returns (seconds). `probing`: the caller holds the breaker's probe; one
    message may pass it, and `limit` says how many are looked at for it.
    """
    with transaction() as session:
        service = session.connection().execute(_service()).one()
        mailings = session.connection().execute(_running(), {"mailings": bulk.packed(mailing_ids)}).all()
        if not mailings or not due.gateway_is_usable(service, probing=probing):
            return Arming()
        step = Step(session, service, mailings, policy, at_once, lead, probing=probing)
        if pulse.is_broken(service.beaten_at, step.now):
            return Arming()
        arming = step.run(max(1, limit // len(mailings)), share, token)
    brakes.pause_spent(step.throttle.spent)
    return arming


def renew(late: Sequence[Armed], lead: float) -> list[Armed]:
    """Give calls that have missed their moments new ones, within the time in which they had to begin anyway.

    One committed transaction, with the locks of an arming. Those that get none, for want of a moment or because
    of a brake, are left out: they may not be called for any more. `lead` as in `arm`.
    """
    with transaction() as session:
        service = session.connection().execute(_service()).one()
        ids = {each.mailing_id for each in late}
        mailings = session.connection().execute(_running(), {"mailings": bulk.packed(ids)}).all()
        if not due.gateway_is_usable(service, probing=all(each.is_probe for each in late)):
            return []
        throttle = Throttle(session, service, mailings)
        reading = clock.reading(session)
        if pulse.is_broken(service.beaten_at, reading.now):
            return []
        throttle.begin(reading, lead)
        running = {row.id for row in mailings}
        renewed = [
            each
            for each in late
            if each.mailing_id in running and throttle.take(each, is_first_try=False) is not None
        ]
        throttle.keep(session)
    return renewed


@bulk.prepared
def _service() -> AnySelect:
    columns = (
        Service.breaker,
        Service.stopped_at,
        Service.rate_limit,
        Service.rate_unit,
        Service.frequency_cap,
        Service.frequency_days,
        pulse.beat_at().label("beaten_at"),
    )
    return select(*columns).where(Service.id == 1).with_for_update(read=True)


@bulk.prepared
def _running() -> AnySelect:
    columns = (
        Mailing.id,
        Mailing.text,
        Mailing.rate_limit,
        Mailing.rate_unit,
        Mailing.canary_size,
        Mailing.budget_parts,
    )
    wanted = bulk.any_bound(Mailing.id.expression, "mailings")
    running = select(*columns).where(wanted, Mailing.state == State.RUNNING)
    return running.order_by(Mailing.id).with_for_update(read=True)
