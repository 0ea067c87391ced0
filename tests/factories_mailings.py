"""How does a test of pages come by a mailing, and what does the form of one send?"""

from flask import Flask
from flask.testing import FlaskClient
from rq import Queue
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from dashboard.database import db, transaction
from dashboard.domain import mailings
from dashboard.domain.users import User
from dashboard.jobs import queues
from dashboard.models import Mailing, State
from tests.support.engine import make_draft


def written(**changes: object) -> dict[str, object]:
    """What the form sends, to clients with the tag vip."""
    return {
        "timezone": "Europe/Moscow",
        "title": "Spring sale",
        "text": "Dear {{name}},\r\ncome and see",
        "starts_at": "2030-05-01T10:00",
        "ends_at": "2030-05-02T21:30",
        "window_from": "09:00",
        "window_to": "21:00",
        "tags": ["vip"],
        "action": "save",
        **changes,
    }


def draft_of(app: Flask, owner: User, **changes: object) -> int:
    with app.app_context():
        return mailings.create(owner.actor, make_draft(**changes))


def set_state(app: Flask, mailing_id: int, state: State) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(state=state))


def mailing_of(app: Flask, mailing_id: int) -> Mailing:
    with app.app_context():
        return db.session.get_one(Mailing, mailing_id)


def all_mailings(app: Flask) -> list[Mailing]:
    with app.app_context():
        return list(db.session.scalars(select(Mailing).order_by(Mailing.id)))


def knocks(app: Flask) -> int:
    with app.app_context():
        queue: Queue = queues.queue(queues.SENDING)
        return int(queue.count)


def followed(browser: FlaskClient, answer: TestResponse) -> str:
    """The page that a press of a button leads to."""
    assert answer.status_code == 303
    return browser.get(answer.location).text
