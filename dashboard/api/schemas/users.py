"""What do programs learn of users, and what does one send who registers?"""

from typing import Any

from marshmallow import fields

from ...domain import permissions
from ...models import Role
from .fields import (
    COUNT,
    CURSOR,
    LIMIT,
    MOMENT,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    Text,
    Truth,
    TruthInAddress,
    Whole,
)

EXAMPLE = {"name": "ann", "email": "ann@example.com", "password": "correct horse battery staple"}


class Registration(Body):
    name = Text(required=True, metadata={"example": "ann"})
    email = Text(required=True, metadata={"example": "ann@example.com"})
    password = Text(
        required=True,
        load_only=True,
        metadata={"description": "At least 12 characters", "example": EXAMPLE["password"]},
    )
    language = Text(metadata={"description": "ru or en; else the installation's", "example": "en"})
    timezone = Text(metadata={"description": "An IANA name; else the installation's", "example": "Europe/Moscow"})


class User(Body):
    id = Whole(metadata={"example": 7})
    name = Text(metadata={"example": "ann"})
    email = Text(metadata={"example": "ann@example.com"})
    role = Choice(Role, metadata={"example": "operator"})
    may_launch = fields.Function(
        lambda user: permissions.may_launch(user.actor),
        metadata={
            "type": "boolean",
            "description": "May let messages leave: launch, resume, send again, add one",
            "example": True,
        },
    )
    state = fields.Function(
        lambda user: state_of(user),
        metadata={
            "type": "string",
            "enum": ["active", "waiting", "inactive"],
            "description": "`waiting`: registered, and an administrator has not approved yet",
            "example": "active",
        },
    )
    language = Text(metadata={"example": "en"})
    timezone = Text(metadata={"example": "Europe/Moscow"})
    created_at = Instant(metadata={"example": MOMENT})


class UserPage(Body):
    items = ListOf(Inner(User))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class UserQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    waiting = TruthInAddress(metadata={"description": "Only those who wait for approval, or only the others"})


def state_of(user: Any) -> str:
    if user.waiting_since:
        return "waiting"
    return "active" if user.is_active else "inactive"
