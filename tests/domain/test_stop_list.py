"""Does the stop list outlive everything, and who may change it?"""

import pytest

from dashboard.domain import clients, stop_list
from dashboard.domain.errors import Forbidden, Invalid, NotFound
from dashboard.domain.stop_list import Source
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import make_client

pytestmark = pytest.mark.usefixtures("any_context")
PHONE = "79991234567"


def test_an_entry_outlives_deletion_and_return_and_holds_for_every_owner() -> None:
    actor, other = make_actor(), make_actor()
    client_id = make_client(actor, PHONE)

    stop_list.add(actor, "8 999 123-45-67")
    clients.delete(actor, client_id)
    make_client(actor, PHONE)

    assert stop_list.is_listed(PHONE)
    assert clients.get(actor, client_id).stop_list_source == Source.OPERATOR
    assert clients.get(other, make_client(other, PHONE)).is_stop_listed


def test_a_listed_phone_keeps_its_first_date_and_source() -> None:
    actor = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(actor, PHONE)
    stop_list.add(actor, PHONE, Source.CLIENT)
    before = clients.get(actor, client_id)

    stop_list.add(actor, PHONE)

    assert clients.get(actor, client_id) == before


def test_a_phone_is_taken_off_once_and_for_all() -> None:
    actor = make_actor()
    make_client(actor, PHONE)
    stop_list.add(actor, PHONE)

    stop_list.remove(actor, PHONE)
    stop_list.remove(actor, PHONE)

    assert not stop_list.is_listed(PHONE)


def test_operators_decide_about_their_clients_phones_only() -> None:
    operator, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    make_client(administrator, PHONE)

    stop_list.add(administrator, PHONE)

    with pytest.raises(NotFound):
        stop_list.remove(operator, PHONE)
    with pytest.raises(NotFound):
        stop_list.add(operator, "79990000000")
    with pytest.raises(Forbidden):
        stop_list.remove(make_actor(Role.VIEWER), PHONE)
    with pytest.raises(Invalid):
        stop_list.add(administrator, "123")
    assert stop_list.is_listed(PHONE)
