"""What is a field in JSON Schema, where apispec cannot tell by its class?"""

from typing import Any

from marshmallow import fields


def described(_converter: Any, field: fields.Field[Any], *, ret: dict[str, Any]) -> dict[str, Any]:
    """What the field's class says of itself in `described`; `ret` is what has been found so far."""
    said: dict[str, Any] = dict(getattr(field, "described", {}))
    if field.allow_none and "type" in said:
        kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
        said["type"] = [*kinds, "null"]
    return said
