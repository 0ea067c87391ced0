"""Does the description say all of the API, with examples that are true?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.datastructures import FileStorage

from config import ROOT
from dashboard.api import openapi, problems, resources
from dashboard.api.extensions import description
from dashboard.domain.errors import Problem
from dashboard.domain.webhooks import endpoints
from tests.api.conftest import Program
from tests.support.api_document import section
from tests.support.engine import add_clients, fan_out_all
from tests.support.webhooks import add_endpoint

FILE = ROOT / "docs" / "api" / "openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    said: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.said["operationId"])

    @property
    def statuses(self) -> set[str]:
        return set(self.said["responses"])

    @property
    def is_open(self) -> bool:
        return self.said["security"] == []

    @property
    def success(self) -> dict[str, Any]:
        found: dict[str, Any] = next(said for status, said in self.said["responses"].items() if status[0] == "2")
        return found


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return openapi.of(app)


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Operation]:
    return list(operations_of(document))


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    for path, said in document["paths"].items():
        for method in METHODS:
            if method in said:
                yield Operation(path, method, said[method])


def faults(document: dict[str, Any], schema: dict[str, Any], example: Any) -> list[str]:
    registry: Registry[Any] = Registry().with_resource(
        "urn:api", Resource.from_contents(document, default_specification=DRAFT202012)
    )
    whole = json.loads(json.dumps(schema).replace('"#/components', '"urn:api#/components'))
    validator = Draft202012Validator(whole, registry=registry, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]


def parameters_of(document: dict[str, Any], operation: Operation) -> dict[str, dict[str, Any]]:
    said = [*document["paths"][operation.path].get("parameters", []), *operation.said.get("parameters", [])]
    known = document["components"]["parameters"]
    resolved = [known[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in said]
    return {each["name"]: each for each in resolved}


def test_the_description_is_served_to_all_and_is_openapi_3_1(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})

    assert (answer.status_code, answer.mimetype, answer.json["openapi"]) == (200, "application/json", "3.1.0")
    assert (again.status_code, again.text) == (304, "")
    validate(answer.json)


def test_the_description_in_the_documentation_is_the_one_that_the_code_makes(document: dict[str, Any]) -> None:
    assert FILE.read_text("utf-8") == openapi.text_of(document), (
        f"run `flask --app wsgi openapi -o {FILE.relative_to(ROOT)}`, and look at what has changed"
    )


def test_every_address_is_described(app: Flask, operations: list[Operation]) -> None:
    ours = {name for name, each in app.blueprints.items() if isinstance(each, resources.Resource)}
    ours.remove("api_description")
    views = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in ours]

    described = sum(len((rule.methods or set()) - {"HEAD", "OPTIONS"}) for rule in views)

    assert len(operations) == described


def test_every_operation_has_a_name_and_is_explained(operations: list[Operation]) -> None:
    unexplained = [
        each.id
        for each in operations
        if not (each.said["summary"] and each.said["description"] and each.said["tags"])
    ]

    assert unexplained == []
    assert len({each.id for each in operations}) == len(operations)
    assert all(each.id.isidentifier() for each in operations)


def test_every_parameter_is_explained(document: dict[str, Any], operations: list[Operation]) -> None:
    unexplained = [
        f"{each.id}: {name}"
        for each in operations
        for name, parameter in parameters_of(document, each).items()
        if parameter["in"] != "path" and not parameter.get("description")
    ]

    assert unexplained == []


def test_every_operation_says_how_it_may_be_refused(operations: list[Operation]) -> None:
    for operation in operations:
        wanted = {"429"}
        wanted |= set() if operation.is_open else {"401", "403"}
        wanted |= {"404"} if "{" in operation.path else set()
        wanted |= {"400", "413", "415", "422"} if "requestBody" in operation.said else set()
        wanted |= {"409"} if operation.method == "post" and not operation.is_open else set()
        assert wanted <= operation.statuses, operation.id
        assert not operation.statuses & {"500", "default"}, operation.id


def test_refusals_are_problems_as_they_are_answered(document: dict[str, Any], program: Program) -> None:
    responses = document["components"]["responses"]
    refused = program.post("/clients", {"phone_numbr": "1"}).json

    for status, response in responses.items():
        if status != "304":
            (medium,) = response["content"].values()
            examples = [each["value"] for each in medium["examples"].values()]
            assert list(response["content"]) == [PROBLEM]
            assert examples
            assert [faults(document, medium["schema"], each) for each in examples] == [[]] * len(examples), status
            assert {each["status"] for each in examples} == {int(status)}
    assert faults(document, {"$ref": "#/components/schemas/Problem"}, refused) == []


def test_every_request_has_an_example_that_our_own_schema_takes(
    document: dict[str, Any], operations: list[Operation]
) -> None:
    for operation in operations:
        for medium in operation.said.get("requestBody", {}).get("content", {}).values():
            assert medium["example"], operation.id
            assert faults(document, medium["schema"], medium["example"]) == [], operation.id
            assert own_faults(document, medium) == {}, operation.id


def own_faults(document: dict[str, Any], medium: dict[str, Any]) -> dict[str, Any]:
    """What marshmallow's schema of this name says to the example."""
    name = medium["schema"].get("$ref", "").rpartition("/")[2]
    schemas = {made: key[0] for key, made in description.ma_plugin.converter.refs.items()}
    partial = name.endswith("Change")
    properties = document["components"]["schemas"][name]["properties"]
    sent = {
        key: FileStorage(BytesIO(value.encode())) if properties[key].get("format") == "binary" else value
        for key, value in medium["example"].items()
    }
    found: dict[str, Any] = schemas[name](partial=partial).validate(sent)
    return found


def test_every_answer_has_an_example_that_is_as_described(
    document: dict[str, Any], operations: list[Operation]
) -> None:
    for operation, medium in answers_of(operations):
        assert medium["example"], operation.id
        assert faults(document, medium["schema"], medium["example"]) == [], operation.id


def answers_of(operations: list[Operation]) -> Iterator[tuple[Operation, dict[str, Any]]]:
    """Every kind of answer that is no refusal; only 204 has none."""
    for operation in operations:
        for status, said in operation.said["responses"].items():
            if status[0] == "2" and status != "204":
                assert said["content"], f"{operation.id} {status}"
                yield from ((operation, medium) for medium in said["content"].values())


def test_the_example_of_an_answer_says_what_was_asked_for(operations: list[Operation]) -> None:
    """But for what is answered in another notation."""
    asked = {each.id: body_of(each) for each in operations if "requestBody" in each.said and has_json(each)}
    other = {"phone_number", "password"}

    lost = [
        f"{operation.id}: {name}"
        for operation, medium in answers_of(operations)
        if operation.id in asked and isinstance(medium["example"], dict)
        for name in (asked[operation.id].keys() & medium["example"].keys()) - other
        if not says(medium["example"][name], asked[operation.id][name])
    ]

    assert len(asked) > 15
    assert lost == []


def has_json(operation: Operation) -> bool:
    return "application/json" in operation.said["requestBody"]["content"]


def says(answer: Any, asked: Any) -> bool:
    """All that was asked for; it may say more."""
    if isinstance(asked, dict):
        return all(name in answer and says(answer[name], value) for name, value in asked.items())
    if isinstance(asked, list):
        return len(answer) == len(asked) and all(map(says, answer, asked))
    return bool(answer == asked)


def test_what_examples_say_of_states_and_codes_is_so(app: Flask, operations: list[Operation]) -> None:
    things = [each for _operation, medium in answers_of(operations) for each in objects_in(medium["example"])]
    by_verb = {
        operation.id.removeprefix("mailings_"): medium["example"].get("state")
        for operation, medium in answers_of(operations)
        if operation.id.startswith("mailings_") and isinstance(medium["example"], dict)
    }
    head, *rows = section("What may be done in which state").tables[0]
    allowed = {
        state: sorted(row[0].strip("`") for row in rows if row[at] == "yes" and row[0].strip("`").islower())
        for at, state in enumerate(head)
    }

    told = [(each["code"], each["detail"]) for each in things if {"code", "detail"} <= each.keys()]
    with app.test_request_context(headers={"Accept-Language": "en"}):
        words = [(code, problems.told([Problem("", code)])[0]["detail"]) for code, _detail in told]

    assert told
    assert told == words
    assert {verb: by_verb[verb] for verb in ("launch", "unschedule", "pause", "resume", "cancel")} == {
        "launch": "scheduled",
        "unschedule": "draft",
        "pause": "paused",
        "resume": "running",
        "cancel": "cancelled",
    }
    assert [each["actions"] for each in things if "actions" in each] == [
        allowed[each["state"]] for each in things if "actions" in each
    ]


def objects_in(thing: Any) -> Iterator[dict[str, Any]]:
    """It itself, if it is one, and all within."""
    if isinstance(thing, dict):
        yield thing
    if isinstance(thing, dict | list):
        for inner in thing.values() if isinstance(thing, dict) else thing:
            yield from objects_in(inner)


def test_every_example_of_a_parameter_is_as_described(
    document: dict[str, Any], operations: list[Operation]
) -> None:
    for operation in operations:
        for name, parameter in parameters_of(document, operation).items():
            if "example" in parameter:
                assert faults(document, parameter["schema"], parameter["example"]) == [], (operation.id, name)


def test_headers_are_named_where_they_hold(document: dict[str, Any], operations: list[Operation]) -> None:
    by_id = {each.id: each for each in operations}
    parameters = {each.id: set(parameters_of(document, each)) for each in operations}

    assert "Idempotency-Key" in parameters["clients_create"]
    assert "Idempotency-Key" not in parameters["token_sign_in"]
    assert {"If-Match"} <= parameters["mailings_launch"] & parameters["clients_patch"] & parameters[
        "messages_delete"
    ]
    assert "If-None-Match" in parameters["clients_get"]
    assert {"ETag", "Location"} <= set(by_id["clients_create"].success["headers"])
    assert all({"X-Request-ID", "RateLimit-Limit"} <= set(each.success["headers"]) for each in operations)


def test_what_describes_if_match_changes_no_other_version(
    app: Flask, document: dict[str, Any], operations: list[Operation], program: Program
) -> None:
    with app.app_context():
        (client_id,) = add_clients(program.user.actor, 1)
        mailing_id = fan_out_all(program.user.actor)
        webhook_id, _secret = add_endpoint(program.user.actor)
        delivery_id = endpoints.ping(program.user.actor, webhook_id)
    (message,) = program.get("/messages").json["items"]
    form = {"file": (BytesIO(b"phone\n79991234567\n"), "clients.csv")}
    headers = {"Authorization": f"Token {program.token}"}
    import_id = program.client.post("/api/v1/imports", data=form, headers=headers).json["id"]
    ids = {
        "client_id": client_id,
        "mailing_id": mailing_id,
        "message_id": message["id"],
        "webhook_id": webhook_id,
        "delivery_id": delivery_id,
        "import_id": import_id,
    }
    versioned = [each for each in operations if "If-Match" in parameters_of(document, each)]
    for maker in operations:
        name = next((each.path for each in versioned if each.path.startswith(maker.path + "/{")), "")
        name = name.removeprefix(maker.path + "/{").partition("}")[0]
        if maker.method == "post" and name and name not in ids:
            ids[name] = program.post(maker.path.removeprefix("/api/v1"), body_of(maker)).json["id"]

    answers = {
        each.id: program.ask(
            each.method.upper(),
            each.path.removeprefix("/api/v1").format(**ids),
            body_of(each),
            If_Match='"another version"',
        ).status_code
        for each in versioned
    }

    assert "mailings_launch" in answers
    assert answers == dict.fromkeys(answers, 412)
    assert {each.id for each in versioned} == {each.id for each in operations if "412" in each.statuses}


def body_of(operation: Operation) -> Any:
    content = operation.said.get("requestBody", {}).get("content", {})
    return content["application/json"]["example"] if content else None


def test_from_what_is_made_one_finds_what_can_be_done_with_it(operations: list[Operation]) -> None:
    by_id = {each.id: each for each in operations}

    for maker in ("clients_create", "mailings_create", "messages_create", "tokens_make", "clients_list"):
        links = by_id[maker].success["links"]
        assert links, maker
        assert all(link["operationId"] in by_id for link in links.values())
    assert by_id["clients_create"].success["links"]["clients_get"]["parameters"] == {
        "client_id": "$response.body#/id"
    }


def test_nothing_that_may_be_left_out_of_an_answer_is_said_to_be_there(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert set(schemas["Client"]["required"]) == set(schemas["Client"]["properties"])
    assert schemas["ClientInput"]["required"] == ["phone_number"]
    assert "required" not in schemas["ClientInputChange"]
    assert schemas["Client"]["properties"]["stop_listed_at"]["type"] == ["string", "null"]
    assert schemas["Mailing"]["properties"]["state"]["type"] == "string"


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=1_0", "limit"), ("limit=١", "limit"), ("stop_listed=yes", "stop_listed"), ("limit=1.0", "limit")],
)
def test_a_query_takes_what_is_described_and_not_what_python_reads(
    program: Program, query: str, field: str
) -> None:
    answer = program.get(f"/clients?{query}")

    assert (answer.status_code, [each["field"] for each in answer.json["errors"]]) == (422, [field])


@pytest.mark.parametrize("value", [1, "true", "yes", 0])
def test_a_body_takes_no_other_truth_than_json_has(program: Program, value: Any) -> None:
    answer = program.post("/mailings/preview", {"everybody": value})

    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [
        ("everybody", "not_true_or_false")
    ]
