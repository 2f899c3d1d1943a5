"""What was wrong with a body, field by field, in words that say what is allowed.

Pydantic says where a value failed and by which rule; the JSON schema of the same model knows all bounds and all names
allowed at that place. Both together give one sentence for each wrong field.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from service.errors import FieldError

Schema = Mapping[str, Any]

LONGEST_NAME = 100
"""Characters of a name that are looked at: what is longer resembles nothing, and comparing it takes long."""

MOST_ERRORS = 100
"""Nobody reads more, and a small body can hold a hundred thousand wrong items."""

_TYPES = {
    "int_type": "an integer", "int_parsing": "an integer", "int_from_float": "an integer",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "string_type": "a string", "string_unicode": "a string of valid Unicode",
    "tuple_type": "a list", "list_type": "a list",
    "model_type": "an object", "model_attributes_type": "an object", "dict_type": "an object",
    "none_required": "null",
}  # fmt: skip


def field_errors(errors: Sequence[Mapping[str, Any]], schema: Schema, document: object) -> tuple[FieldError, ...]:
    """One `FieldError` for each of pydantic's `errors()` on `document`, the first `MOST_ERRORS` of them.

    `schema` is the model's JSON schema in validation mode. Where a name stands for an object, the error points at it.
    """
    found = []
    for error in distinct(errors)[:MOST_ERRORS]:
        path, here = _locate(schema, error["loc"])
        found.append(_field_error(error, path, here, document))
    return tuple(found)


def distinct(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each of pydantic's `errors()` once: what two dependencies of a route ask for is reported by both of them.

    Without lists that are too short while there are wrong items in them: pydantic counts only those that are right.
    """
    once = {(error["loc"], error["type"]): error for error in errors}
    if all(kind != "too_short" for _, kind in once):
        return [*once.values()]
    around = {place[:depth] for place, _ in once for depth in range(len(place))}
    return [error for (place, kind), error in once.items() if kind != "too_short" or place not in around]


def nearest_first(name: str, allowed: Sequence[str]) -> str:
    """The allowed names as a list in words, the most similar to `name` first."""
    given = name[:LONGEST_NAME].casefold()
    ranked = sorted(allowed, key=lambda each: -SequenceMatcher(None, given, each.casefold()).ratio())
    return ", ".join(ranked)


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer as a URI fragment: RFC 6901, section 6, percent-encoding left to who puts it into a URI."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def dotted_paths(schema: Schema) -> dict[str, list[Schema]]:
    """Every field that a document of this schema can have, and every field of those that are objects: `a`, `a.b`.

    With the alternatives that the schema allows there.
    """
    found: dict[str, list[Schema]] = {}
    for field, node in schema["properties"].items():
        here = found[field] = [*_alternatives(schema, node)]
        members = [ref for node in here if "discriminator" in node for ref in node["discriminator"]["mapping"].values()]
        objects = [each for ref in members for each in _alternatives(schema, {"$ref": ref})]
        for each in (*here, *objects):
            for inner, below in each.get("properties", {}).items():
                found.setdefault(f"{field}.{inner}", []).extend(_alternatives(schema, below))
    return found


def takes_whole_numbers(here: Sequence[Schema]) -> bool:
    """True where a number that is not whole is none of the alternatives."""
    types = {node.get("type") for node in here}
    return "integer" in types and "number" not in types


def _field_error(
    error: Mapping[str, Any], path: list[str | int], here: Sequence[Schema], document: object
) -> FieldError:
    kind, given = error["type"], error.get("input")
    if kind == "extra_forbidden":
        field = str(path[-1])
        detail = f"unknown field {_shown(field)}; allowed: {nearest_first(field, _properties(here))}"
        return FieldError(pointer=pointer(path), detail=detail, code="unknown_field")
    if kind in {"missing", "union_tag_not_found"}:
        return _missing(kind, path, here)
    if kind in {"literal_error", "enum", "union_tag_invalid"}:
        return _unknown_name(error, path, [*_choices(here)], document)
    if kind in _TYPES:
        return FieldError(
            pointer=pointer(path), detail=f"must be {_TYPES[kind]}, not {_shown(given)}", code="wrong_type"
        )
    if (bounds := _bounds(here)) and kind.startswith(("greater_than", "less_than", "too_", "string_too")):
        return FieldError(pointer=pointer(path), detail=bounds, code="out_of_range")
    message = str(error["msg"]).removeprefix("Value error, ")
    if kind == "string_pattern_mismatch" and (words := _in_words(here)):
        message = f"must be {words}, not {_shown(given)}"
    return FieldError(pointer=pointer(path), detail=message[:1].lower() + message[1:], code=kind)


def _missing(kind: str, path: list[str | int], here: Sequence[Schema]) -> FieldError:
    if kind == "missing":
        return FieldError(pointer=pointer(path), detail="is required", code="missing")
    allowed = ", ".join(_choices(here))
    return FieldError(pointer=pointer([*path, "name"]), detail=f"is required; allowed: {allowed}", code="missing")


def _unknown_name(error: Mapping[str, Any], path: list[str | int], allowed: list[str], document: object) -> FieldError:
    given = error.get("input")
    if error["type"] == "union_tag_invalid":
        path, given = [*path, "name"], error["ctx"]["tag"]
    if path and isinstance(_value_at(document, path[:-1]), str):
        path = path[:-1]
    if not isinstance(given, str):
        choices = ", ".join(allowed)
        return FieldError(
            pointer=pointer(path), detail=f"must be one of: {choices}; not {_shown(given)}", code="wrong_type"
        )
    detail = f"unknown name {_shown(given)}; allowed: {nearest_first(given, allowed)}"
    return FieldError(pointer=pointer(path), detail=detail, code="unknown_name")


def _in_words(here: Sequence[Schema]) -> str | None:
    """What a pattern allows, where the schema describes it there."""
    said = next((node["description"] for node in here if "pattern" in node and "description" in node), None)
    return said and said[:1].lower() + said[1:]


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):  # as JSON has them, not as Python does
        return json.dumps(value)
    text = repr(value[:LONGEST_NAME] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."


def _value_at(document: object, path: Sequence[str | int]) -> object:
    for part in path:
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
    return document


def _locate(schema: Schema, location: Sequence[str | int]) -> tuple[list[str | int], list[Schema]]:
    """The path in the sender's document, and the alternatives that the schema allows there.

    Pydantic's location also names the member of a union that it chose; such a name is no part of the document.
    """
    here, path = [*_alternatives(schema, schema)], []
    for part in location:
        tagged = [node["discriminator"]["mapping"] for node in here if "discriminator" in node]
        if chosen := [mapping[part] for mapping in tagged if part in mapping]:
            here = [*_alternatives(schema, {"$ref": chosen[0]})]
            continue
        path.append(part)
        inner = [child for node in here if (child := _child(node, part)) is not None]
        parents, here = here, [each for child in inner for each in _alternatives(schema, child)]
        if not inner:  # an unknown field: what is of interest is what its parent allows
            here = parents
    return path, here


def _child(node: Schema, part: str | int) -> Schema | None:
    if isinstance(part, str):
        any_other = node.get("additionalProperties")  # of an object with any keys: their values' schema, or a bool
        child: Schema | None = node.get("properties", {}).get(part, any_other if isinstance(any_other, dict) else None)
        return child
    prefix = node.get("prefixItems", ())
    return prefix[part] if part < len(prefix) else node.get("items")


def _alternatives(schema: Schema, node: Schema) -> Iterator[Schema]:
    if "$ref" in node:
        yield from _alternatives(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
        return
    yield node
    if "discriminator" not in node:
        for each in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from _alternatives(schema, each)


def _properties(here: Sequence[Schema]) -> list[str]:
    return [name for node in here for name in node.get("properties", {})]


def _choices(here: Sequence[Schema]) -> dict[str, None]:
    tagged = [name for node in here if "discriminator" in node for name in node["discriminator"]["mapping"]]
    listed = [
        str(name) for node in here for name in (*node.get("enum", ()), *(("const" in node and [node["const"]]) or ()))
    ]
    return dict.fromkeys([*tagged, *listed])


def _bounds(here: Sequence[Schema]) -> str | None:
    for node in here:
        for low, high, form in (
            ("minimum", "maximum", "must be between {} and {}"),
            ("minimum", "exclusiveMaximum", "must be at least {} and below {}"),
            ("exclusiveMinimum", "maximum", "must be above {} and at most {}"),
            ("exclusiveMinimum", "exclusiveMaximum", "must be between {} and {}, both excluded"),
            ("minLength", "maxLength", "must have {} to {} characters"),
            ("minItems", "maxItems", "must have {} to {} items"),
        ):
            if low in node and high in node:
                if form.endswith("items") and node[low] == node[high]:
                    return f"must have {node[low]} items"
                return form.format(node[low], node[high])
        for key, form in (
            ("minimum", "must be at least {}"),
            ("maximum", "must be at most {}"),
            ("exclusiveMinimum", "must be above {}"),
            ("exclusiveMaximum", "must be below {}"),
            ("maxItems", "must have at most {} items"),
            ("minItems", "must have at least {} items"),
            ("maxLength", "must have at most {} characters"),
            ("minLength", "must have at least {} characters"),
        ):
            if key in node:
                return form.format(node[key])
    return None
