"""The operations of the API as an OpenAPI 3.1 document.

Schemas come from the same pydantic models that check requests, so the description can not drift.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from openapi_pydantic import OpenAPI
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from web.api import PREFIX, Operation
from web.errors import PROBLEM_JSON, Problem
from web.sessions import COOKIE_NAME

Schema = dict[str, Any]
_REF = "#/components/schemas/"


def describe(operations: Sequence[Operation]) -> str:
    """The document as JSON. Raises pydantic's `ValidationError` when it would not be valid OpenAPI."""
    schemas, components = _schemas(operations)
    paths: dict[str, Schema] = {}
    for number, operation in enumerate(operations):
        item = paths.setdefault(PREFIX + operation.path, {})
        item[operation.method.lower()] = _operation(operation, number, schemas, components)
    document = OpenAPI.model_validate(
        {
            "openapi": "3.1.1",
            "info": {"title": "Callcenter", "version": "1", "description": "Calls, customers, orders."},
            "paths": paths,
            "security": [{"session": []}, {"bearer": []}],
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME},
                    "bearer": {"type": "http", "scheme": "bearer"},
                },
            },
        }
    )
    return document.model_dump_json(by_alias=True, exclude_none=True)


def _schemas(operations: Sequence[Operation]) -> tuple[dict[tuple[Any, str], Schema], dict[str, Schema]]:
    """A schema for every body, query, path parameter and answer, and the components they refer to."""
    inputs: list[tuple[Any, Any, TypeAdapter[Any]]] = [("problem", "serialization", TypeAdapter(Problem))]
    for number, operation in enumerate(operations):
        if operation.body is not None:
            inputs.append(((number, "body"), "validation", TypeAdapter(operation.body)))
        if operation.query is not None:
            inputs.append(((number, "query"), "validation", TypeAdapter(operation.query)))
        if operation.returns is not None:
            inputs.append(((number, "returns"), "serialization", operation.returns))
        inputs.extend(((number, name), "validation", kind) for name, kind in operation.parameters.items())
    found, shared = TypeAdapter.json_schemas(
        inputs, ref_template=_REF + "{model}", schema_generator=GenerateJsonSchema
    )
    return dict(found), dict(shared.get("$defs", {}))


def _operation(
    operation: Operation, number: int, schemas: dict[tuple[Any, str], Schema], components: dict[str, Schema]
) -> Schema:
    name = operation.handler.__name__
    summary = (operation.handler.__doc__ or name).strip().splitlines()[0]
    described: Schema = {
        "operationId": name,
        "summary": summary,
        "tags": [operation.tag],
        "responses": _responses(operation, schemas.get(((number, "returns"), "serialization"))),
    }
    if operation.right is not None:
        described["description"] = f"Needs the right `{operation.right}`."
    parameters = [
        {"name": key, "in": "path", "required": True, "schema": schemas[((number, key), "validation")]}
        for key in operation.parameters
    ]
    if operation.query is not None:
        parameters += _query(schemas[((number, "query"), "validation")], components)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[((number, "body"), "validation")]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.accepts:
        file = {operation.accepts: {"schema": {"type": "string", "format": "binary", "minLength": 1}}}
        described["requestBody"] = {"required": True, "content": file}
    if operation.public:
        described["security"] = []
    return described


def _query(schema: Schema, components: dict[str, Schema]) -> list[Schema]:
    """The fields of a query model as parameters. An absent parameter is how a query says "none"."""
    model = components[schema["$ref"].removeprefix(_REF)] if "$ref" in schema else schema
    required = model.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in model["properties"].items()
    ]


def _without_null(field: Schema) -> Schema:
    choices: list[Schema] = [choice for choice in field.get("anyOf", []) if choice.get("type") != "null"]
    rest: Schema = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    if len(choices) == 1:
        return rest | choices[0]
    return rest | {"anyOf": choices} if choices else field


def _responses(operation: Operation, returns: Schema | None) -> Schema:
    good: Schema = {"description": HTTPStatus(operation.status).phrase}
    if operation.produces != "application/json":
        good["content"] = {kind: {} for kind in operation.produces.split(", ")}
    elif returns is not None:
        good["content"] = {"application/json": {"schema": returns}}
    problem = {PROBLEM_JSON: {"schema": {"$ref": _REF + Problem.__name__}}}
    responses = {str(operation.status): good}
    for status in sorted(_refusals(operation)):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses


def _refusals(operation: Operation) -> set[int]:
    """Every status an operation may refuse with: what follows from its parameters, and its own."""
    refusals = set(operation.errors)
    if not operation.public:
        refusals.add(401)
    if operation.right is not None or operation.method != "GET":
        refusals.add(403)  # no right, or a change asked for by another site
    if operation.parameters:
        refusals.add(404)
    if operation.query is not None:
        refusals.add(422)
    if operation.accepts:
        refusals |= {400, 413, 415}
    if operation.body is not None:
        refusals |= {400, 413, 415, 422}
    return refusals
