"""Do administrators, and nobody else, find every token that anybody has made?"""

import pytest
from flask import Flask

from dashboard.domain import api_token_pages, api_tokens
from dashboard.domain.errors import Forbidden
from dashboard.domain.pages import Cursor
from dashboard.models import Role, Scope
from tests.factories import make_actor, make_user


def test_everybodys_tokens_are_found_page_by_page(any_context: Flask) -> None:
    owners = [make_user() for _ in range(3)]
    made = [
        (api_tokens.make(owner.actor, f"{number}", [Scope.READ])[0].id, owner.name)
        for number in range(2)
        for owner in owners
    ]
    administrator = make_actor(Role.ADMINISTRATOR)

    first = api_token_pages.page(administrator, limit=4)
    second = api_token_pages.page(administrator, Cursor(before=first.next_before), limit=4)

    found = [(each.token.id, each.owner_name) for each in (*first.items, *second.items)]
    assert found == made[::-1]
    assert (len(first.items), first.total, second.next_before) == (4, 6, None)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_nobody_else_looks_at_them(app_context: Flask, role: Role) -> None:
    with pytest.raises(Forbidden):
        api_token_pages.page(make_actor(role))
