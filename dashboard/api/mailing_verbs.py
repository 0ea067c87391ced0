"""How does a program tell a mailing what to do, and what would it do?"""

from collections.abc import Callable
from typing import Any

from flask import Response

from ..domain import approval, forecast, mailings, resending, starting
from ..domain.permissions import Actor, may_administer
from ..jobs import queues
from ..marks import requires
from ..models import State
from . import problems, statistics
from .access import actor, sends
from .mailings import ONE, as_asked_for, draft_of, one, require_version, told
from .mailings import blueprint as blueprint
from .schemas import mailings as schemas
from .schemas import statistics as statistics_schemas
from .schemas.mailings import STANDS

VERBS: dict[str, Callable[[Actor, int], None]] = {
    "launch": mailings.schedule,
    "unschedule": mailings.unschedule,
    "pause": mailings.pause,
    "resume": mailings.resume,
    "cancel": mailings.cancel,
    "approve": approval.approve,
}
WORDS = {
    "launch": "Let a draft start at its time, or at once if that has passed.",
    "unschedule": "Make a mailing that has not started a draft again.",
    "pause": "Let nothing more leave until it is resumed.",
    "resume": "Go on; after a canary, with all the rest.",
    "cancel": "Stop for good.",
    "approve": "Agree to a mailing to many, as a second person.",
}
# As its answer shows the mailing in the description.
BECOMES = {
    "launch": State.SCHEDULED,
    "unschedule": State.DRAFT,
    "pause": State.PAUSED,
    "resume": State.RUNNING,
    "cancel": State.CANCELLED,
    "approve": State.SCHEDULED,
}


def _view_of(name: str) -> Callable[[int], Response]:
    def view(mailing_id: int) -> Response:
        with as_asked_for(mailing_id):
            VERBS[name](actor(), mailing_id)
        queues.work_later()
        return one(mailing_id)

    view.__name__, view.__doc__ = name, WORDS[name]
    return view


for _name in VERBS:
    blueprint.asked("POST", f"{ONE}/{_name}", endpoint=_name)(
        sends(blueprint.gives(200, schemas.Mailing, example=STANDS[BECOMES[_name]])(_view_of(_name)))
    )


@blueprint.asked("POST", f"{ONE}/resend")
@sends
@blueprint.takes(schemas.Resend, example={"reasons": ["timeout"]})
@blueprint.gives(200, schemas.Resent, example={"mailing": STANDS[State.RUNNING]})
def resend(body: dict[str, Any], mailing_id: int) -> dict[str, Any]:
    """Let failed messages wait anew, under the numbers they have."""
    count = resending.resend(actor(), mailing_id, body["reasons"], body["end_at"], require_version)
    queues.work_later()
    return {"resent": count, "mailing": told(mailings.get(actor(), mailing_id))}


@blueprint.asked("GET", f"{ONE}/statistics")
@blueprint.gives(200, statistics_schemas.MailingStatistics)
def of_one(mailing_id: int) -> dict[str, Any]:
    """Its numbers: totals, by status, by operator code, by time zone, by reason, over time."""
    return statistics.of_mailing(mailing_id)


@blueprint.asked("POST", "/process-due")
@requires(may_administer)
@sends
@blueprint.gives(200, statistics_schemas.MailingStatistics(many=True))
def process_due() -> list[dict[str, Any]]:
    """Start every mailing whose time has come, now; answers with their statistics. For administrators."""
    started = starting.start_due()
    queues.work_later()
    return [statistics.of_mailing(mailing_id) for mailing_id in started]


@blueprint.asked("POST", "/preview")
@blueprint.takes(schemas.MailingInput(partial=True), example=schemas.EXAMPLE_OF_DRAFT)
@blueprint.gives(200, schemas.Preview)
def preview(body: dict[str, Any]) -> dict[str, Any]:
    """Say whom it would reach, how they would read it, what it costs, and when; nothing is saved."""
    found = forecast.of(draft_of(body), actor().id, whole=True)
    plan = found.plan and [
        {
            "timezone": zone.timezone,
            "recipients": zone.recipients,
            "reached": zone.reached,
            "first_at": zone.opening and zone.opening.opens_at,
            "last_at": zone.last_at,
        }
        for zone in found.plan.zones
    ]
    return {
        "recipients": found.counted.total,
        "recipients_is_exact": found.counted.is_whole,
        "stop_listed": found.counted.stop_listed,
        "lacking_values": found.counted.lacking,
        "sample": [client.phone for client in found.sample],
        "first_reading": found.reading and found.reading.text,
        "parts_each": found.counting.parts,
        "parts": found.bill.parts,
        "cost": None if found.bill.cost is None else str(found.bill.cost),
        "currency": found.bill.currency,
        "plan": plan,
        "warnings": problems.cautions(found.warnings),
    }
