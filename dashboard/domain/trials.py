"""How does a person try a mailing out on their own phone? One real message that belongs to no mailing.

The row is the request: a job finds it, calls the gateway once, and writes what came of it. What no job finds
within a minute is never sent, for by then the person has stopped waiting.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import db, end_reading, rows_changed, transaction
from ..gateway import Answer, Call, Verdict
from ..models import Service, Trial, TrialOutcome
from . import audit, call_log, forecast, ids, mailing_drafts, stop_list
from .audit import Thing
from .calling import Gateway
from .client_rules import canonical_phone
from .errors import Conflict, Invalid, NotFound, Problem
from .mailing_drafts import MailingDraft
from .permissions import Actor, require_launching

MOST_A_MINUTE = 5
MINUTE = timedelta(minutes=1)
# After that the job that has taken it is gone for good.
LOST_AFTER = timedelta(minutes=12)
KEPT = timedelta(days=30)
OVER = (TrialOutcome.SENT, TrialOutcome.NOT_SENT, TrialOutcome.UNKNOWN)
OUTCOMES = {Verdict.ACCEPTED: TrialOutcome.SENT, Verdict.UNCERTAIN: TrialOutcome.UNKNOWN}


@dataclass(frozen=True, slots=True)
class TrialView:
    """`reason`: as of a message's call, or why it was not made. `is_over`: nothing will change any more."""

    id: int
    phone: str
    text: str
    outcome: TrialOutcome
    reason: str | None
    created_at: datetime

    @property
    def is_over(self) -> bool:
        return self.outcome in OVER


def phone_of(actor: Actor) -> str:
    """Where this person has tried mailings out before; '' before the first time."""
    return db.session.scalar(select(models.User.phone).where(models.User.id == actor.id)) or ""


def begin(actor: Actor, draft: MailingDraft, owner_id: int, phone: str) -> int:
    """Ask for the text, as the first recipient would read it, to be sent to this phone, which is remembered.

    Answers the row's number. Raises Forbidden, Invalid, and Conflict: everything is stopped, or too many a minute.
    """
    require_launching(actor)
    canonical = _canonical(phone)
    text = _text(draft, owner_id)
    number = ids.take(1)
    with transaction() as session:
        # Held, so that two at once count each other.
        user = session.get_one(models.User, actor.id, with_for_update=True)
        now = clock.database_now(session)
        _require_allowed(session, actor, now)
        user.phone = canonical
        session.execute(delete(Trial).where(Trial.created_at < now - KEPT))
        session.add(Trial(id=number, user_id=actor.id, phone=canonical, text=text, created_at=now))
        audit.note(session, actor, "begin", Thing.TRIAL, number, after={"phone": canonical, "text": text})
    return number


def _canonical(phone: str) -> str:
    canonical = canonical_phone(phone, "trial_phone")
    if stop_list.is_listed(canonical):
        raise Invalid([Problem("trial_phone", "stop_list")])
    return canonical


def _text(draft: MailingDraft, owner_id: int) -> str:
    if problems := mailing_drafts.text_problems(draft.text):
        raise Invalid(problems)
    reading = forecast.first_reading(draft, owner_id)
    if reading is None:
        raise Invalid([Problem("trial_phone", "trial_without_reader")])
    return reading.text


def _require_allowed(session: Session, actor: Actor, now: datetime) -> None:
    if _is_stopped(session):
        raise Conflict("sending_stopped")
    recent = select(func.count()).where(Trial.user_id == actor.id, Trial.created_at > now - MINUTE)
    if (session.scalar(recent) or 0) >= MOST_A_MINUTE:
        raise Conflict("too_many_trials")


def _is_stopped(session: Session) -> bool:
    return session.scalar(select(Service.stopped_at).where(Service.id == 1)) is not None


def get(actor: Actor, trial_id: int) -> TrialView:
    """The actor's own. Raises NotFound."""
    row = db.session.get(Trial, trial_id)
    if row is None or row.user_id != actor.id:
        raise NotFound
    outcome, reason = row.outcome, row.reason
    age = clock.database_now(db.session()) - row.created_at
    if outcome is TrialOutcome.WAITING and age > MINUTE:
        outcome, reason = TrialOutcome.NOT_SENT, "no_worker"
    elif outcome is TrialOutcome.SENDING and age > LOST_AFTER:
        outcome, reason = TrialOutcome.UNKNOWN, "worker_lost"
    return TrialView(row.id, row.phone, row.text, outcome, reason, row.created_at)


def run(trial_id: int, gateway: Gateway, call_seconds: float) -> None:
    """Send it, at most once: of two jobs that find it, one takes it. Takes about `call_seconds` at most."""
    call = _take(trial_id)
    if call is None:
        return
    end_reading()
    gateway.submit(call)
    give_up_at = clock.monotonic() + call_seconds + 1.0
    answers: list[Answer] = []
    while not answers and clock.monotonic() < give_up_at:
        answers = gateway.poll(give_up_at - clock.monotonic())
    if answers:
        call_log.tell(answers[0], trial_id=trial_id)
        _write(trial_id, OUTCOMES.get(answers[0].verdict, TrialOutcome.NOT_SENT), answers[0].reason)
    else:
        _write(trial_id, TrialOutcome.UNKNOWN, "timeout")


def _take(trial_id: int) -> Call | None:
    """What holds now decides, not what held when it was asked for."""
    with transaction() as session:
        taken = rows_changed(
            session,
            update(Trial)
            .where(Trial.id == trial_id, Trial.outcome == TrialOutcome.WAITING)
            .where(Trial.created_at > clock.database_now(session) - MINUTE)
            .values(outcome=TrialOutcome.SENDING),
        )
        if not taken:
            return None
        row = session.get_one(Trial, trial_id)
        # FOR SHARE, as arming holds it: a stop and this exclude each other.
        stopped = select(Service.stopped_at).where(Service.id == 1).with_for_update(read=True)
        reason = "stopped" if session.scalar(stopped) else "stop_list" if stop_list.is_listed(row.phone) else None
        if reason is not None:
            row.outcome, row.reason = TrialOutcome.NOT_SENT, reason
            return None
        return Call(row.id, row.phone, row.text)


def _write(trial_id: int, outcome: TrialOutcome, reason: str) -> None:
    with transaction() as session:
        session.execute(update(Trial).where(Trial.id == trial_id).values(outcome=outcome, reason=reason))
