"""Do faults come as ordered, and the same ones when a run is repeated?"""

import json
from collections import Counter

import pytest
import requests

from dashboard.gateway.simulator_faults import SHARES, Dice, Faults, FaultsError


def test_the_same_seed_gives_the_same_faults_whatever_the_order():
    faults = Faults(http_503=0.3, reset_after=0.3, seed=5)
    forward = {number: Dice(faults).fault(number, "7", 1) for number in range(500)}

    dice = Dice(faults)
    backward = {number: dice.fault(number, "7", 1) for number in reversed(range(500))}
    other = {
        number: Dice(Faults(http_503=0.3, reset_after=0.3, seed=6)).fault(number, "7", 1) for number in range(500)
    }

    assert forward == backward
    assert forward != other


def test_shares_are_kept_over_many_calls():
    dice = Dice(Faults(http_503=0.5, reset_after=0.1))

    met = Counter(dice.fault(number, "7", 1) for number in range(20_000))

    assert met["http_503"] == pytest.approx(10_000, rel=0.05)
    assert met["reset_after"] == pytest.approx(2_000, rel=0.1)
    assert set(met) == {"http_503", "reset_after", None}


def test_each_try_is_drawn_anew():
    dice = Dice(Faults(http_503=0.5))

    by_try = [dice.fault(1, "7", attempt) for attempt in range(1, 100)]

    assert set(by_try) == {"http_503", None}


def test_only_the_first_tries_and_the_named_phones_meet_faults():
    dice = Dice(Faults(http_500=1, first_tries=2, phones=frozenset({"79001234567"})))

    assert [dice.fault(1, "79001234567", attempt) for attempt in (1, 2, 3)] == ["http_500", "http_500", None]
    assert dice.fault(1, "79007654321", 1) is None


def test_latency_stays_within_its_bounds_and_varies():
    dice = Dice(Faults(latency_ms=(10, 30)))

    seconds = [dice.latency_seconds(number, 1) for number in range(200)]

    assert min(seconds) >= 0.010
    assert max(seconds) <= 0.030
    assert len(set(seconds)) > 100


def test_faults_survive_the_way_through_json():
    faults = Faults(http_429=0.25, retry_after="7", latency_ms=(5, 9), phones=frozenset({"7", "8"}), seed=-3)

    assert Faults.from_json(json.dumps(faults.as_json())) == faults


@pytest.mark.parametrize(
    ("wished", "complaint"),
    [
        ("nonsense", "JSON object"),
        ("[]", "JSON object"),
        ('{"htpp_503": 0.5}', "htpp_503"),
        ('{"http_503": 1.5}', "http_503"),
        ('{"http_503": -1}', "http_503"),
        ('{"http_503": NaN}', "http_503"),
        ('{"http_503": true}', "http_503"),
        ('{"http_503": "0.5"}', "http_503"),
        ('{"http_503": 0.6, "http_500": 0.6}', "more than 1"),
        ('{"latency_ms": 5}', "latency_ms"),
        ('{"latency_ms": [1]}', "latency_ms"),
        ('{"seed": 1.5}', "seed"),
        ('{"first_tries": -1}', "first_tries"),
        ('{"phones": "7"}', "phones"),
        ('{"retry_after": "1\\r\\nX-Evil: 2"}', "retry_after"),
    ],
)
def test_faults_that_make_no_sense_are_refused_with_the_reason(wished, complaint):
    with pytest.raises(FaultsError, match=complaint):
        Faults.from_json(wished)


def test_faults_are_changed_and_shown_while_the_simulator_runs(simulator):
    put = requests.put(f"{simulator.url}/faults", json={"http_503": 0.5, "seed": 9}, timeout=5)
    refused = requests.put(f"{simulator.url}/faults", json={"http_503": 5}, timeout=5)

    shown = requests.get(f"{simulator.url}/faults", timeout=5).json()

    assert put.status_code == 200
    assert (refused.status_code, "http_503" in refused.json()["error"]) == (400, True)
    assert (shown["http_503"], shown["seed"], shown["http_400"]) == (0.5, 9, 0)
    assert set(SHARES) < set(shown)
