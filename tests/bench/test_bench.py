"""Does the benchmark measure what it says? It must refuse a wrong run, and every figure must be explained."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import func, select

from bench import population, results, sending
from bench.measures import MEASURES, api, pages
from bench.programs import Gateway, Programs, build, running_gateway
from bench.results import Figure, Reach
from bench.stand import TOKEN, Plan, Stand
from config import ROOT
from dashboard import phone
from dashboard.database import db
from dashboard.models import Client, Status

needs_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
MESSAGES = 33


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def gateway(programs: Programs) -> Iterator[Gateway]:
    with running_gateway(programs) as gateway:
        yield gateway


@pytest.fixture
def stand(programs: Programs, gateway: Gateway, tmp_path: Path, redis_url: str) -> Stand:
    return Stand("sqlite", Plan(is_quick=True), tmp_path, gateway, programs, redis_url)


def call(gateway: Gateway, address: int, body: dict[str, object], token: str = TOKEN) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(f"{gateway.url}/v1/send/{address}", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=5) as answer:
        assert json.load(answer) == {"code": 0, "message": "OK"}


@needs_compiler
def test_the_gateway_notices_repeats_and_wrong_requests(gateway: Gateway) -> None:
    call(gateway, 7, {"id": 7, "phone": 79990001122})
    call(gateway, 8, {"id": 8, "phone": 79990001122})
    before = gateway.seen()

    call(gateway, 7, {"id": 7, "phone": 79990001122})
    call(gateway, 9, {"id": 10, "phone": 79990001122})
    call(gateway, 11, {"id": 11, "phone": 79990001122}, token="")

    seen = gateway.seen()
    assert (before.total, before.distinct, before.wrong) == (2, 2, 0)
    assert (seen.total, seen.distinct, seen.wrong) == (5, 3, 3)
    assert 0 < seen.first_at < seen.last_at


@needs_compiler
def test_a_mailing_goes_out_through_real_workers(stand: Stand) -> None:
    sent = sending.send(stand, MESSAGES, watches_memory=True)

    assert sent.messages == MESSAGES
    assert sent.rate > 0
    assert sent.rss > 0


@needs_compiler
def test_a_run_that_has_lost_something_is_no_figure(stand: Stand) -> None:
    with stand.installation(MESSAGES) as place:
        mailing_id = sending.schedule(place)
        sending.select_all()

        with pytest.raises(sending.WrongRun, match=f"0 of {MESSAGES}"):
            sending.reckon(stand, [mailing_id], MESSAGES)


@needs_compiler
def test_its_mailing_addresses_everybody_and_all_windows_are_open(stand: Stand) -> None:
    with stand.installation(MESSAGES) as place:
        mailing_id = sending.schedule(place)
        sending.select_all()

        counts = sending.statistics.counts(mailing_id)

    assert {status: count for status, count in counts.items() if count} == {Status.QUEUED: MESSAGES}


@needs_compiler
def test_its_clients_are_like_imported_ones(stand: Stand) -> None:
    with stand.installation(MESSAGES):
        clients = db.session.scalars(select(Client)).all()
        zones = db.session.scalar(select(func.count(Client.timezone.distinct())))

    assert len({client.phone for client in clients}) == MESSAGES
    assert all(phone.normalise(client.phone) == client.phone for client in clients)
    assert all(phone.operator_code(client.phone) == client.operator_code for client in clients)
    assert zones == len(population.ZONES) == 11


@needs_compiler
def test_each_page_is_asked_for_and_answers(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[pages.__module__]
    for name, value in {"SIZES": (1_000,), "HISTORY": 20, "LOOKS": 1}.items():
        monkeypatch.setattr(module, name, value)

    figures = list(pages(stand))

    timed = [figure for figure in figures if figure.what.startswith("ms, ")]
    counted = [figure for figure in figures if figure.what.startswith("queries, ")]
    assert len(timed) == len(counted) > 15
    assert all(figure.value > 0 for figure in timed)
    assert all(1 <= figure.value < 30 for figure in counted)


@needs_compiler
@pytest.mark.slow
def test_each_request_of_a_program_is_made_and_answered(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[api.__module__], "SIZES", (1_000,))

    figures = list(api(stand))

    rates = [figure for figure in figures if figure.what.startswith("requests a second, ")]
    waits = [figure for figure in figures if figure.what.startswith("ms of 99 in 100, ")]
    assert len(rates) == len(waits) == 5
    assert all(figure.value > 0 for figure in figures)


def test_every_measure_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/performance.md").read_text(), flags=re.MULTILINE)

    assert set(explained) == set(MEASURES)


def test_a_figure_below_its_reach_is_marked() -> None:
    figures = [
        Figure("million", "sqlite", "seconds", 12.34, Reach(at_most=25)),
        Figure("million", "postgres", "seconds", 31.5, Reach(at_most=30)),
    ]

    assert results.table(figures).splitlines() == [
        "| measure | figure | reach | SQLite | PostgreSQL |",
        "| --- | --- | --- | ---: | ---: |",
        "| `million` | seconds | ≤ 25 / ≤ 30 | 12.3 | 31.5 (not reached) |",
    ]


def test_figures_are_kept_and_a_later_run_replaces_an_earlier_one(tmp_path: Path) -> None:
    slow = Figure("poll", "sqlite", "ms", 6.0, Reach(at_most=5), [5.0, 6.0, 7.0])
    fast = Figure("poll", "sqlite", "ms", 2.0, Reach(at_most=5), [2.0])
    other = Figure("latency", "sqlite", "messages a second", 9_500.0)

    first = results.store([slow, other], is_quick=False, folder=tmp_path / "first")
    second = results.store([fast], is_quick=True, folder=tmp_path / "second")

    assert results.latest(tmp_path / "first") == [first]
    assert results.stored([first]) == [slow, other]
    assert results.stored([first, second]) == [fast, other]
