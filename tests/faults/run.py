"""What does a test see of a mailing on its way through a running installation, and where can it reach in?"""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from dashboard import clock
from dashboard.database import db, snapshot, transaction
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.gateway.simulator_faults import Dice, Faults
from dashboard.gateway.simulator_server import RunningSimulator
from dashboard.models import Attempt, IdBlock, Message, Status
from tests.factories import make_actor
from tests.faults.look import Look, look_at
from tests.support.engine import add_clients, schedule
from tests.support.installation import Installation
from tests.support.killable import KillablePostgres, KillableRedis
from tests.support.small_disk import SmallDisk

MESSAGES = 2_000
ZONES = ("Europe/Moscow", "Asia/Omsk", "UTC+03:00")
# Numbers decide which message meets which fault: with the same ones a run repeats. Far ahead of the clock's.
FIRST_NUMBER = 2**52
LOOK_SECONDS = 0.2


@dataclass
class Doubt:
    """Of which messages may a person be told that nobody knows, and which may the gateway have had twice?"""

    messages: set[int] = field(default_factory=set)
    # Whether exactly these end as unknown, under `hold`.
    is_certain: bool = False


@dataclass
class Brake:
    """From when until when may nothing be called for but what was in the air just after the press?"""

    pressed_at: datetime
    in_the_air: frozenset[int]
    released_at: datetime | None = None


@dataclass
class Run:
    """A mailing to 2,000 clients, and everything a fault may strike."""

    seed: str
    policy: str
    database: str
    gateway: RunningSimulator
    installation: Installation | None = None
    redis: KillableRedis | None = None
    postgres: KillablePostgres | None = None
    disk: SmallDisk | None = None

    owner: Actor = field(init=False)
    mailing_id: int = 0
    looks: int = 0
    struck_at: float | None = None
    # When the environment was whole again: the same instant for a kill, later for what lasts.
    whole_at: float | None = None
    whole_on: datetime | None = None
    finished_at: float | None = None
    doubt: Doubt = field(default_factory=Doubt)
    refused: set[int] = field(default_factory=set)
    brakes: list[Brake] = field(default_factory=list)
    # What the gateway was told to do at first tries, and until when to send those away whom it sends away.
    ordered: Faults = field(default_factory=Faults)
    wait_until: datetime = datetime.max.replace(tzinfo=UTC)
    # Where the mailing has an end of its own: in how many seconds, and when that is.
    ends_in: float = 3 * 24 * 3600.0
    ends_at: datetime = datetime.max.replace(tzinfo=UTC)
    may_end: set[Status] = field(default_factory=lambda: {Status.SENT})

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def launch(self, zones: tuple[str, ...] = ZONES, **draft: Any) -> None:
        with transaction() as session:
            session.execute(update(IdBlock).values(next_id=FIRST_NUMBER))
        self.owner = make_actor()
        add_clients(self.owner, MESSAGES, zones=zones)
        self.ends_at = clock.now() + timedelta(seconds=self.ends_in)
        self.mailing_id = schedule(self.owner, text="Dear {{name}}", ends_at=self.ends_at, **draft)

    # What the gateway is told, and what it says

    def order(self, **faults: Any) -> None:
        """What goes wrong at the simulator from now on."""
        answer = requests.put(f"{self.gateway.url}/faults", json=faults, timeout=5)
        assert answer.ok, answer.text

    def accepted(self) -> list[tuple[int, datetime]]:
        """Every message that the simulator has accepted, in order, with the instant."""
        found: list[tuple[int, datetime]] = []
        after: int | None = 0
        while after is not None:
            page = requests.get(f"{self.gateway.url}/log?after={after}", timeout=5).json()
            found += [(entry["id"], datetime.fromisoformat(entry["at"])) for entry in page["entries"]]
            after = page["next"]
        return found

    def begun(self) -> list[datetime]:
        """When each call began, in order, by the senders' logs (LOG_LEVEL=DEBUG tells all)."""
        told = re.findall(r"gateway called .*\bstarted_at=(\S+)", self.printed)
        return sorted(datetime.fromisoformat(at) for at in told)

    def meeting(self, faults: Faults) -> set[int]:
        """The messages that meet one of these faults at their first try."""
        dice = Dice(faults)
        mine = select(Message.id, Message.phone).where(Message.mailing_id == self.mailing_id)
        with snapshot() as session:
            return {row.id for row in session.execute(mine) if dice.fault(row.id, row.phone, 1)}

    # Looking

    def look(self) -> Look:
        """Sound at this instant, and no end that was told before is taken back."""
        look = look_at(self.mailing_id, MESSAGES)
        self.looks += 1
        assert look.is_at_an_end or self.finished_at is None, "it was finished already"
        if look.is_at_an_end:
            self.finished_at = self.finished_at or clock.monotonic()
        return look

    def wait_for(self, what: Callable[[Look], bool], seconds: float) -> Look:
        """Until the database looks as wished; it is looked at all the while, except while it is away."""
        give_up_at = clock.monotonic() + seconds
        while True:
            try:
                look = self.look()
            except DBAPIError:
                look = None
                let_go()
            if look is not None and what(look):
                return look
            assert clock.monotonic() < give_up_at, (
                f"after {seconds} s: {look and look.counts}\n{self.printed[-4000:]}"
            )
            clock.sleep(LOOK_SECONDS)

    def wait_for_sent(self, count: int) -> Look:
        return self.wait_for(lambda look: look.counts.get(Status.SENT, 0) >= count, 60)

    def wait_for_some(self) -> Look:
        """Until a random share of the messages is sent, a tenth to a half."""
        return self.wait_for_sent(self.rng.randint(MESSAGES // 10, MESSAGES // 2))

    def wait_for_end(self, seconds: float) -> None:
        """Until nothing of it can change any more."""
        self.wait_for(lambda _look: self.finished_at is not None, seconds)

    def keep_looking(self, seconds: float) -> None:
        until = clock.monotonic() + seconds
        self.wait_for(lambda _look: clock.monotonic() >= until, seconds + 10)

    @property
    def printed(self) -> str:
        return self.installation.printed if self.installation else ""

    # The fault

    @contextmanager
    def struck(self) -> Iterator[None]:
        """Around what strikes: from its end on, recovery is measured."""
        self.struck_at = clock.monotonic()
        yield
        self.whole_at, self.whole_on = clock.monotonic(), clock.now()

    def doubt_what_is_in_the_air(self) -> None:
        """Just after a fault: what nobody can know the outcome of is among these, and what is lost already."""
        self.doubt.messages |= self.wait_for(lambda _look: True, 30).sending | self.uncertain_calls()

    def uncertain_calls(self) -> set[int]:
        """Messages of which a call's outcome is not known."""
        mine = Attempt.mailing_id == self.mailing_id
        with snapshot() as session:
            return set(
                session.scalars(select(Attempt.message_id).where(mine, Attempt.verdict == Verdict.UNCERTAIN))
            )

    @contextmanager
    def braked(self, press: Callable[[], None]) -> Iterator[None]:
        """Around the time in which nothing may begin; leaving it, the caller lets go of the brake."""
        press()
        in_the_air = self.look().sending
        brake = Brake(clock.now(), in_the_air)
        self.brakes.append(brake)
        yield
        brake.released_at = clock.now()


def let_go() -> None:
    """Of connections to a database that is gone."""
    db.session.remove()
    db.engine.dispose()
