"""Does every client leave once, whatever is added and deleted while the table is sent?"""

from datetime import UTC, datetime

import pytest

from dashboard.domain import client_bulk, client_bulk_running, client_export, clients, stop_list
from dashboard.domain.client_bulk import Selection
from dashboard.domain.client_export import Export
from dashboard.domain.client_rules import ClientDraft
from dashboard.domain.client_search import ClientFilter
from dashboard.models import ClientVerb
from tests.factories import make_actor
from tests.factories_clients import make_client, numbered
from tests.support.engine import add_clients

pytestmark = pytest.mark.usefixtures("any_context")


def test_a_row_tells_all_that_is_known_of_a_client() -> None:
    actor = make_actor()
    given_at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    clients.add(
        actor,
        ClientDraft(
            "79160000001", "Asia/Omsk", "916", ("vip", "anew"), {"name": "Анна"}, "Form on the site", given_at
        ),
    )
    make_client(actor, "79170000002", city="Omsk")
    stop_list.add(actor, "79170000002")

    export = Export(actor, ClientFilter())
    first, second = export.rows()

    assert export.header == (
        *("phone", "operator_code", "timezone", "tags", "city", "name"),
        *("consent_source", "consent_at", "stop_listed_at"),
    )
    assert first == [
        *("79160000001", "916", "Asia/Omsk", "anew|vip", "", "Анна"),
        *("Form on the site", "2026-03-01T09:00:00+00:00", ""),
    ]
    assert second[:8] == ["79170000002", "917", "Europe/Moscow", "", "Omsk", "", "", ""]
    assert second[8]


def test_only_who_matches_the_filter_leaves() -> None:
    actor = make_actor()
    make_client(make_actor(), numbered(9), "vip", secret="x")
    make_client(actor, numbered(1), "vip")
    make_client(actor, numbered(2))

    export = Export(actor, ClientFilter(tag="vip"))

    assert "secret" not in export.header
    assert [row[0] for row in export.rows()] == [numbered(1)]


def test_each_client_leaves_once_while_others_come_and_go() -> None:
    actor = make_actor()
    ids = add_clients(actor, 3_500)
    export = Export(actor, ClientFilter())

    rows = export.rows()
    phones = [next(rows)[0]]
    late = [make_client(actor, f"7999000000{number}") for number in range(3)]
    _delete(actor, [ids[0], ids[1], ids[2_500]])
    phones += [row[0] for row in rows]

    assert len(phones) == len(set(phones)) == 3_499
    assert f"790{2_500 % 5}{2_500:07}" not in phones
    assert late
    assert not any(phone.startswith("7999") for phone in phones)


def _delete(actor, ids):  # type: ignore[no-untyped-def]
    selection = Selection(ids=tuple(ids))
    extent = client_bulk.extent(actor, selection)
    client_bulk_running.run(client_bulk.begin(actor, ClientVerb.DELETE, selection, extent))


def test_no_more_than_a_batch_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_export, "BATCH", 100)
    actor = make_actor()
    add_clients(actor, 1_000)
    asked: list[int] = []
    real = client_export._found

    def counting(ids: list[int]) -> object:
        asked.append(len(ids))
        return real(ids)

    monkeypatch.setattr(client_export, "_found", counting)

    rows = Export(actor, ClientFilter()).rows()
    first = next(rows)
    asked_by_the_first = list(asked)

    assert first[0] == "79000000000"
    assert asked_by_the_first == [100]
    assert sum(1 for _row in rows) == 999
