"""What does the whole description say? What flask-smorest has found, and what holds everywhere."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask

from ..resources import Resource
from . import common, examples, links, operations
from .operations import Operation

Document = dict[str, Any]
# As flask-smorest puts in by itself.
NOT_OURS = ("ErrorSchema", "PaginationMetadataSchema")


def of(app: Flask, found: Document) -> Document:
    """`found` by flask-smorest."""
    paths, schemas = copy.deepcopy(found["paths"]), copy.deepcopy(found["components"]["schemas"])
    for name in NOT_OURS:
        schemas.pop(name, None)
    schemas["Problem"] = common.PROBLEM
    _answers_are_whole(paths, schemas)
    all_operations = list(operations.of(app, paths))
    for operation in all_operations:
        _complete(operation, paths, schemas)
    links.add(all_operations)
    document = {
        "openapi": "3.1.0",
        "info": common.INFO,
        "servers": [{"url": "/", "description": "This installation"}],
        "security": [{"bearer": []}, {"apiToken": []}],
        "tags": [
            {"name": operations.tag_of(resource), "description": resource.description}
            for resource in app.blueprints.values()
            if isinstance(resource, Resource) and any(each.resource is resource for each in all_operations)
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": common.PARAMETERS,
            "headers": common.HEADERS,
            "responses": common.refusals(app),
            "securitySchemes": common.SECURITY,
        },
    }
    _walk(document, _in_the_words_of_3_1)
    return document


def _complete(operation: Operation, paths: Document, schemas: Document) -> None:
    said = operation.said
    said["responses"] = _by_status(said["responses"])
    said["operationId"], said["tags"] = operation.id, [operation.tag]
    said["summary"], _, more = said["summary"].partition(". ")
    paragraphs = (more, said.get("description"), operations.who_may(operation))
    said["summary"] = said["summary"].removesuffix(".")
    said["description"] = "\n\n".join(filter(None, paragraphs))
    said["security"] = [] if operation.marks.is_open else [{"bearer": []}, {"apiToken": [operation.scope.value]}]
    has_version = _has_version(operation, paths)
    for status in [status for status in said["responses"] if not status.startswith("2")]:
        del said["responses"][status]
    said["responses"] |= {
        str(status): {"$ref": f"#/components/responses/{status}"}
        for status in sorted(operations.refusals(operation, has_version))
    }
    for medium in said.get("requestBody", {}).get("content", {}).values():
        # Where nothing is needed, nothing need be sent.
        said["requestBody"]["required"] = "required" in examples.named(medium["schema"], schemas)
    for _status, success in operation.successes:
        success.setdefault("description", "OK")
    _give_examples(said, schemas)
    _name_headers(operation, has_version, paths)
    said["responses"] = dict(sorted(said["responses"].items()))


def _by_status(responses: Document) -> Document:
    """Two decorators may each tell of another media type of the same status, as a number and as a text."""
    found: Document = {}
    for status, said in responses.items():
        content = found.get(str(status), {}).get("content", {}) | said.get("content", {})
        found[str(status)] = found.get(str(status), {}) | said | ({"content": content} if content else {})
    return found


def _has_version(operation: Operation, paths: Document) -> bool:
    """Does it read or change a single thing that can be got, and so has a version?"""
    return "}" in operation.path and "get" in paths.get(_thing(operation.path), {})


def _thing(path: str) -> str:
    """/clients/{client_id} of /clients/{client_id}/anything."""
    return path[: path.find("}") + 1]


def _give_examples(said: Document, schemas: Document) -> None:
    for medium in said.get("requestBody", {}).get("content", {}).values():
        if "example" not in medium:
            medium["example"] = examples.request(medium["schema"], schemas)
    for response in said["responses"].values():
        for medium in response.get("content", {}).values():
            medium["example"] = examples.answer(medium["schema"], schemas, medium.get("example"))
    for parameter in said.get("parameters", ()):
        if "example" in parameter.get("schema", {}):
            parameter["example"] = parameter["schema"].pop("example")


def _name_headers(operation: Operation, has_version: bool, paths: Document) -> None:
    said = operation.said
    parameters = said.setdefault("parameters", [])
    if operation.may_be_repeated_by_key:
        parameters.append({"$ref": "#/components/parameters/Idempotency-Key"})
    if has_version and not operation.is_safe:
        parameters.append({"$ref": "#/components/parameters/If-Match"})
    if has_version and operation.path == _thing(operation.path) and operation.method == "get":
        parameters.append({"$ref": "#/components/parameters/If-None-Match"})
        said["responses"]["304"] = {"$ref": "#/components/responses/304"}
    if not parameters:
        del said["parameters"]
    for status, success in operation.successes:
        names = ["X-Request-ID", *common.LIMITS]
        names += ["Idempotent-Replayed"] if operation.may_be_repeated_by_key else []
        if _is_thing(operation, paths):
            names += ["ETag", "Location"] if status == "201" else ["ETag"]
        success["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _is_thing(operation: Operation, paths: Document) -> bool:
    """Does it answer with what can be got by itself: the very schema of a GET of one?"""
    shown = links.schema_of(operation.said)
    beginning = operation.path.partition("{")[0]
    return shown is not None and any(
        path.endswith("}") and path.startswith(beginning) and links.schema_of(said.get("get", {})) == shown
        for path, said in paths.items()
    )


def _answers_are_whole(paths: Document, schemas: Document) -> None:
    """An answer has all its fields; what may be left out of a request may not be of an answer."""
    asked = _reached((said.get("requestBody", {}) for said in _each(paths)), schemas)
    for name in _reached((said["responses"] for said in _each(paths)), schemas) - asked:
        schemas[name].setdefault("required", sorted(schemas[name]["properties"]))
    for name, schema in schemas.items():
        if name.endswith("Change"):  # what is not given stays as it is
            for each in schema["properties"].values():
                each.pop("default", None)


def _each(paths: Document) -> Iterator[Document]:
    return (said[method] for said in paths.values() for method in operations.METHODS if method in said)


def _reached(things: Iterator[Any], schemas: Document) -> set[str]:
    """The names of the schemas that these things mean, whether by others or at once."""
    found: set[str] = set()
    waiting = list(things)
    while waiting:
        references: list[Document] = []
        _walk(waiting.pop(), references.append)
        names = {str(each.get("$ref", "")).rpartition("/schemas/")[2] for each in references}
        fresh = (names & schemas.keys()) - found
        found |= fresh
        waiting += [schemas[name] for name in fresh]
    return found


def _in_the_words_of_3_1(thing: Document) -> None:
    """There a schema's examples are a list, and an enumeration says its type."""
    if "example" in thing and ("type" in thing or "anyOf" in thing):
        thing["examples"] = [thing.pop("example")]


def _walk(thing: Any, visit: Callable[[Document], None]) -> None:
    """Each object within, but for examples: what stands there only looks like a part of the description."""
    if isinstance(thing, Mapping):
        visit(thing)  # type: ignore[arg-type]
        for name, inner in thing.items():
            if name not in ("example", "examples", "default", "enum"):
                _walk(inner, visit)
    elif isinstance(thing, list):
        for inner in thing:
            _walk(inner, visit)
