"""Does the index name all there is, and nothing else?"""

from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import Program

DESCRIPTIONS = {"/api/v1/openapi.json", "/docs", "/redoc"}


def test_every_address_stands_below_a_collection_that_the_index_names(app: Flask, client: FlaskClient) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    below = {"/".join(rule.split("/")[:4]) for rule in rules if rule.startswith("/api/v1/")}

    told = client.get("/api/v1/").json

    assert set(told["collections"].values()) == below - DESCRIPTIONS
    assert {"clients", "mailings", "messages", "statistics", "stop_list", "token", "tokens"} <= set(
        told["collections"]
    )


def test_the_description_is_named_as_far_as_it_is_served(app: Flask, client: FlaskClient) -> None:
    served = {rule.rule.rstrip("/") for rule in app.url_map.iter_rules()}

    told = client.get("/api/v1").json["description"]

    assert {address.rstrip("/") for address in told.values()} == DESCRIPTIONS & served
    assert {address: client.get(address).status_code for address in told.values()} == dict.fromkeys(
        told.values(), 200
    )


def test_each_collection_that_is_named_is_there(program: Program) -> None:
    collections = program.get("/").json["collections"]

    answers = [program.ask("OPTIONS", address.removeprefix("/api/v1")) for address in collections.values()]

    assert {answer.status_code for answer in answers} == {200}
