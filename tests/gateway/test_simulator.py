"""Does the simulated gateway behave like the real one, and tell truthfully what it accepted?"""

import base64
import json
import socket
import threading
import time

import pytest
import requests

from dashboard.gateway import simulator_log
from dashboard.gateway.simulator_server import running_simulator

GOOD = {"id": 7, "phone": 79001234567, "text": "Привет"}


def _post(simulator, message_id=7, body=GOOD, token=None):
    return requests.post(
        f"{simulator.url}/v1/send/{message_id}",
        data=body if isinstance(body, bytes | str) else json.dumps(body),
        headers={"Authorization": f"Bearer {token or simulator.token}"},
        timeout=5,
        allow_redirects=False,
    )


def _get(simulator, path):
    return requests.get(simulator.url + path, timeout=5).json()


def _jwt(expires_at):
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires_at}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl"


def test_a_good_message_is_accepted_and_logged(simulator):
    answer = _post(simulator)

    assert (answer.status_code, answer.json()) == (200, {"code": 0, "message": "OK"})
    (entry,) = _get(simulator, "/log")["entries"]
    assert (entry["number"], entry["id"], entry["phone"], entry["text"]) == (1, 7, "79001234567", "Привет")
    assert entry["at"].endswith("+00:00")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        "[" * 50_000,
        [],
        {},
        {"id": 8, "phone": 79001234567, "text": "x"},
        {"id": "7", "phone": 79001234567, "text": "x"},
        {"id": 7.0, "phone": 79001234567, "text": "x"},
        {"id": True, "phone": 79001234567, "text": "x"},
        {"id": 7, "phone": "79001234567", "text": "x"},
        {"id": 7, "phone": 89001234567, "text": "x"},
        {"id": 7, "phone": 7900123456, "text": "x"},
        {"id": 7, "phone": 79001234567, "text": ""},
        {"id": 7, "phone": 79001234567, "text": None},
        {"id": 7, "phone": 79001234567},
    ],
    ids=lambda body: repr(body)[:40],
)
def test_a_bad_message_is_answered_400_and_not_logged(simulator, body):
    answer = _post(simulator, body=body)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert _get(simulator, "/stats")["accepted"] == 0


def test_a_wrong_token_is_answered_401_before_anything_is_looked_at(simulator):
    assert _post(simulator, body=b"rubbish", token="wrong").status_code == 401
    assert requests.post(f"{simulator.url}/v1/send/7", json=GOOD, timeout=5).status_code == 401


def test_a_token_that_has_run_out_is_refused_if_asked_to_check():
    with running_simulator(_jwt(int(time.time()) - 1), check_expiry=True) as simulator:
        assert _post(simulator).status_code == 401
    with running_simulator(_jwt(int(time.time()) + 60), check_expiry=True) as simulator:
        assert _post(simulator).status_code == 200


def test_other_addresses_and_methods_are_refused(simulator):
    assert requests.get(f"{simulator.url}/v1/send/7", timeout=5).status_code == 405
    assert requests.post(f"{simulator.url}/v1/send/seven", timeout=5).status_code == 404
    assert requests.get(f"{simulator.url}/nothing", timeout=5).status_code == 404
    assert "faults" in _get(simulator, "/")


def test_repeats_are_accepted_again_and_counted(simulator):
    for _ in range(3):
        _post(simulator)

    stats = _get(simulator, "/stats")

    assert (stats["accepted"], stats["distinct"], stats["repeats"], stats["recognised"]) == (3, 1, 2, 0)


def test_recognised_repeats_are_answered_ok_and_accepted_once():
    with running_simulator(recognise_repeats=True) as simulator:
        answers = [_post(simulator).status_code for _ in range(3)]
        stats = _get(simulator, "/stats")

    assert answers == [200, 200, 200]
    assert (stats["accepted"], stats["repeats"], stats["recognised"]) == (1, 0, 2)


def test_the_log_is_read_page_by_page(simulator):
    for number in range(1, 6):
        _post(simulator, number, GOOD | {"id": number})

    ids, after = [], 0
    while after is not None:
        page = _get(simulator, f"/log?after={after}&limit=2")
        ids += [entry["id"] for entry in page["entries"]]
        after = page["next"]

    assert ids == [1, 2, 3, 4, 5]
    assert _get(simulator, "/log?after=99") == {"entries": [], "next": None, "kept_from": 1}
    assert requests.get(f"{simulator.url}/log?after=x", timeout=5).status_code == 400


def test_a_long_log_drops_its_oldest_entries_and_counts_on(simulator, monkeypatch):
    monkeypatch.setattr(simulator_log, "KEPT_ENTRIES", 10)
    for number in range(1, 13):
        _post(simulator, number, GOOD | {"id": number})

    page = _get(simulator, "/log?limit=4")
    rest = _get(simulator, f"/log?after={page['next']}")

    assert page["kept_from"] == 3
    assert [entry["id"] for entry in page["entries"] + rest["entries"]] == list(range(3, 13))
    assert rest["next"] is None
    assert _get(simulator, "/stats")["accepted"] == 12
    assert simulator.simulator.log.has(1)


def test_a_cleared_log_begins_at_1_again(simulator, order):
    order(simulator, http_400=1, first_tries=1)
    _post(simulator)
    requests.delete(f"{simulator.url}/log", timeout=5)

    first, second = _post(simulator).status_code, _post(simulator).status_code

    assert (first, second) == (400, 200)
    assert _get(simulator, "/stats") == {
        "accepted": 1,
        "distinct": 1,
        "repeats": 0,
        "recognised": 0,
        "refused": 1,
        "requests": 2,
        "by_status": {"200": 1, "400": 1},
    }


def test_a_log_file_goes_on_where_a_killed_simulator_left_it(tmp_path):
    path = tmp_path / "accepted.jsonl"
    with running_simulator(log_file=path) as simulator:
        _post(simulator)
    with path.open("a") as file:
        file.write('{"number": 2, "id": 8, "pho')  # torn by a crash of the machine

    with running_simulator(log_file=path, recognise_repeats=True) as simulator:
        _post(simulator)
        _post(simulator, 9, GOOD | {"id": 9})
        ids = [entry["id"] for entry in _get(simulator, "/log")["entries"]]

    assert ids == [7, 9]
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [7, 9]


def test_an_outage_cuts_connections_and_refuses_new_ones_until_it_is_over(simulator, order):
    with requests.Session() as kept:
        kept.get(f"{simulator.url}/stats", timeout=5)
        order(simulator, outage_seconds=0.4)
        time.sleep(0.1)

        with pytest.raises(requests.ConnectionError):
            requests.get(f"{simulator.url}/stats", timeout=5)

    for _ in range(50):
        time.sleep(0.05)
        try:
            assert _get(simulator, "/stats")["accepted"] == 0
            return
        except requests.ConnectionError:
            continue
    pytest.fail("the simulator did not come back")


def test_requests_that_arrive_in_pieces_or_together_are_answered_in_order(simulator, order):
    order(simulator, latency_ms=[20, 20])
    bodies = [json.dumps(GOOD | {"id": number}).encode() for number in (1, 2)]
    wire = b"".join(
        b"POST /v1/send/%d HTTP/1.1\r\nContent-Length: %d\r\nauthorization: Bearer %s\r\n\r\n%s"
        % (number, len(body), simulator.token.encode(), body)
        for number, body in enumerate(bodies, 1)
    )
    host, port = simulator.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for start in range(0, len(wire), 50):
            connection.sendall(wire[start : start + 50])
            time.sleep(0.001)
        received = b""
        while received.count(b'"OK"}') < 2:
            received += connection.recv(65536)

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert [entry["id"] for entry in _get(simulator, "/log")["entries"]] == [1, 2]


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"rubbish\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(simulator, wire, status):
    host, port = simulator.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(wire)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk

    assert received.startswith(b"HTTP/1.1 " + status)


def test_many_clients_at_once_leave_a_log_without_gaps(simulator):
    def send(first):
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {simulator.token}"
            for number in range(first, first + 25):
                session.post(f"{simulator.url}/v1/send/{number}", json=GOOD | {"id": number}, timeout=5)

    threads = [threading.Thread(target=send, args=(first,)) for first in (1, 26, 51, 76)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = _get(simulator, "/log")["entries"]
    assert [entry["number"] for entry in entries] == list(range(1, 101))
    assert sorted(entry["id"] for entry in entries) == list(range(1, 101))
