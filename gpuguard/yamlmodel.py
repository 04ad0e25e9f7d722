"""What pydantic finds wrong with a YAML file, as mistakes with a place and what would have been right."""

from typing import Any

from pydantic import (  # noqa: TID253 - imported by the first configuration file that is loaded, not before
    BaseModel,
    ValidationError,
)

from gpuguard.yamlfile import Document, Mistake, Path, Place, nearest, quoted

MOST_MISTAKES = 200
"""After so many mistakes the rest of a file is not examined."""


def translate(document: Document, base: Path, model: type[BaseModel], error: ValidationError, owner: str) -> None:
    """Turn the findings of pydantic into mistakes with a place and what would have been right."""
    for found in error.errors(include_url=False):
        path = (*base, *found["loc"])
        if len(document.mistakes) >= MOST_MISTAKES:
            break
        if document.is_spoilt(path):
            continue
        kind, context = found["type"], found.get("ctx", {})
        key = found["loc"][-1] if found["loc"] else ""
        value = found["input"]
        shown = _shown(value)
        if kind == "extra_forbidden":
            fields = _fields(model, found["loc"][:-1])
            message = f"{owner} has no key {quoted(str(key))}"
            message += nearest(str(key), fields) or f"; the keys are {', '.join(fields)}"
            document.mistakes.append(Mistake(document.keys.get(path, document.place(path)), message))
            continue
        if kind == "missing":
            message = f"{owner} needs the key `{key}`{_about(model, found['loc'])}"
        elif kind == "literal_error":
            expected = str(context["expected"]).replace("'", "`")
            choices = [word.strip("`") for word in expected.replace(" or ", ", ").split(", ")]
            message = f"`{_label(found['loc'])}` is {shown}; expected {expected}"
            message += nearest(value, choices) if isinstance(value, str) else ""
        elif kind == "value_error" and not found["loc"]:
            message = f"{owner} {context['error']}"
        elif kind == "value_error" and isinstance(value, dict) and not str(context["error"]).startswith("expected"):
            message = f"`{_label(found['loc'])}` {context['error']}"
        elif kind == "value_error":
            message = f"`{_label(found['loc'])}` is {shown}; {context['error']}"
        else:
            message = f"`{_label(found['loc'])}` is {shown}; {_plain(kind, context)}"
        add(document, path, message)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "empty"


def _plain(kind: str, context: dict[str, Any]) -> str:
    """What was expected, in words, by the type of pydantic's error."""
    if kind in ("list_type", "tuple_type"):
        return "expected a list"
    if kind == "string_type":
        return "expected text"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "expected a mapping"
    if kind == "too_short":
        return "expected at least one entry"
    if kind == "string_too_short":
        return "expected some text"
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters"
    return "expected something else"


def _label(location: tuple[str | int, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _fields(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Keys of the model, or of the one nested in it that the location leads to."""
    if not location:
        return list(model.model_fields)
    schema = model.model_json_schema()
    place: dict[str, Any] = schema
    for step in location:
        place = _inside(place, step, schema)
    return list(place.get("properties", {}))


def _inside(place: dict[str, Any], step: str | int, schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a JSON Schema that describes what stands under a key or in a list."""
    inner = place.get("items") if isinstance(step, int) else place.get("properties", {}).get(step)
    inner = inner or place.get("additionalProperties") or {}
    if not isinstance(inner, dict):
        return {}
    kinds = [inner, *inner.get("anyOf", ()), *inner.get("allOf", ())]
    names = [kind["$ref"].rpartition("/")[2] for kind in kinds if "$ref" in kind]
    named: dict[str, Any] = schema["$defs"][names[0]] if names else inner
    return named


def _about(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    field = model.model_fields.get(str(location[0])) if len(location) == 1 else None
    return f": {field.description[0].lower()}{field.description[1:].rstrip('.')}" if field and field.description else ""


def add(document: Document, path: Path, message: str) -> None:
    """Note a mistake at the place of a value, or of the nearest thing around it."""
    place: Place = document.place(path)
    document.mistakes.append(Mistake(place, message))
