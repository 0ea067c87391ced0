"""What does a thing look like that fits a schema? Examples, put together from those of its fields."""

from collections.abc import Mapping
from typing import Any

from ..schemas.fields import MOMENT

Schema = Mapping[str, Any]
# Where a field says nothing: by its format, else by its type.
BY_FORMAT = {"date-time": MOMENT, "date": MOMENT[:10], "binary": "phone;tags\n+7 999 000-00-04;vip\n"}
BY_TYPE: dict[str, Any] = {"string": "…", "integer": 1, "number": 1, "boolean": False, "null": None}


def answer(schema: Schema, known: Mapping[str, Schema], differing: Any = None) -> Any:
    """With every field. `known` are the schemas by name; `differing`: in what it differs from its fields."""
    found = _example(schema, known, is_request=False)
    return found if differing is None else _with(found, differing)


def _with(found: Any, differing: Any) -> Any:
    """Objects field by field, all else as a whole."""
    if not isinstance(found, dict) or not isinstance(differing, dict):
        return differing
    return found | {name: _with(found.get(name), value) for name, value in differing.items()}


def request(schema: Schema, known: Mapping[str, Schema]) -> Any:
    """With the fields that are needed, and those that have an example."""
    return _example(schema, known, is_request=True)


def _example(schema: Schema, known: Mapping[str, Schema], is_request: bool) -> Any:
    if "example" not in schema:
        schema = named(schema, known)
    if "example" in schema:
        return schema["example"]
    if "anyOf" in schema:
        nullable = any(each.get("type") == "null" for each in schema["anyOf"])
        return None if nullable else _example(schema["anyOf"][0], known, is_request)
    kinds = schema.get("type", "object")
    if "null" in kinds:
        return None
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "array":
        return [_example(schema["items"], known, is_request)]
    if kind == "object":
        needed = schema.get("required", ())
        return {
            name: _example(inner, known, is_request)
            for name, inner in schema.get("properties", {}).items()
            if not is_request or name in needed or "example" in inner
        }
    return schema["enum"][0] if "enum" in schema else BY_FORMAT.get(schema.get("format", ""), BY_TYPE[kind])


def named(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """What a reference means."""
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    return schema
