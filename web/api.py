"""Route decorators of the JSON API: typed handlers in, checked requests and a description out.

    operations = Operations("customers")

    @operations.get("/customers/{customer_id}", right=VIEW_CUSTOMERS)
    async def get_customer(request: web.Request, customer_id: Id) -> CustomerAnswer: ...

A handler names what it takes: path parameters by name, `query: Model`, `body: Model` (children of
`fields.Given`), and what it answers by its return type (None: 204; a `StreamResponse` is sent as it is).
Order of refusals: 401 not signed in, 403 no right, 404 malformed path, 415 and 400 not JSON, 422 not valid.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from web.errors import FieldError, Refusal, from_validation
from web.fields import BIGGEST_ID
from web.reach import find_named, find_referred, in_body, narrowed
from web.rights import Right, Scope, require
from web.sessions import signed_in
from web.trail import trailed

PREFIX = "/api/v1"
Handler = Callable[..., Awaitable[Any]]
Decorated = TypeVar("Decorated", bound=Handler)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # the escape itself, not an escaped backslash before "u0000"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path, with all that is needed to check a request and to describe it."""

    method: str
    path: str
    tag: str
    handler: Handler
    right: Right | None
    at_least: Scope
    public: bool
    audited: bool
    status: int
    errors: tuple[int, ...]
    produces: str
    accepts: str
    parameters: Mapping[str, TypeAdapter[Any]]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    returns: TypeAdapter[Any] | None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check the request, call the handler, answer."""
        if not self.public:
            person = await signed_in(request)
            if self.right is not None:
                require(person, self.right, self.at_least)
        given = self._path(request)
        if not self.public:
            await find_named(request, self.right)
        if self.query is not None:
            given["query"] = _read_query(request, self.query)
        if self.accepts and request.content_type != self.accepts:
            raise Refusal(415, f"Send the file itself with Content-Type: {self.accepts}.")
        if self.body is not None:
            given["body"] = await _read_body(request, self.body)
        if self.public:
            return self._answer(await self.handler(request, **given))
        return self._answer(await self._done(request, given))

    async def _done(self, request: web.Request, given: Mapping[str, Any]) -> Any:
        """What the handler answers, within the visitor's reach and with its trail in the audit log."""
        await find_referred(request, in_body(given.get("body")))

        async def step() -> Any:
            return await self.handler(request, **given)

        file = self.produces != "application/json"
        with narrowed(request) if self.method == "GET" else nullcontext():
            if not self.audited:
                return await step()
            sent = self._sent(given.get("body"))
            return await trailed(request, step, path=self.path, file=file, sent=sent)

    @staticmethod
    def _sent(body: BaseModel | None) -> Iterable[str]:
        return () if body is None else body.model_fields_set

    def _path(self, request: web.Request) -> dict[str, Any]:
        try:
            return {
                name: adapter.validate_python(request.match_info[name])
                for name, adapter in self.parameters.items()
            }
        except ValidationError:
            raise Refusal(404, "There is nothing at this address.") from None

    def _answer(self, value: Any) -> web.StreamResponse:
        if isinstance(value, web.StreamResponse):
            return value
        if self.returns is None:
            return web.Response(status=self.status)
        body = self.returns.dump_json(self.returns.validate_python(value, from_attributes=True))
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=body, status=self.status, content_type="application/json", headers=headers)


@dataclass(frozen=True)
class Operations:
    """A table of operations under one tag; `Api.add` takes it into the application."""

    tag: str
    listed: list[Operation] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> Callable[[Decorated], Decorated]:
        """Register a reading operation; see `operation` for the options."""
        return self.operation("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Decorated], Decorated]:
        """Register a POST; answers 201 unless `status` says otherwise."""
        return self.operation("POST", path, **{"status": 201} | options)

    def put(self, path: str, **options: Any) -> Callable[[Decorated], Decorated]:
        """Register a PUT."""
        return self.operation("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Decorated], Decorated]:
        """Register a PATCH."""
        return self.operation("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Decorated], Decorated]:
        """Register a DELETE; answers 204."""
        return self.operation("DELETE", path, **{"status": 204} | options)

    def operation(
        self,
        method: str,
        path: str,
        *,
        right: Right | None = None,
        at_least: Scope = Scope.OWN,
        public: bool = False,
        audited: bool = True,
        status: int = 200,
        errors: Iterable[int] = (),
        produces: str = "application/json",
        accepts: str = "",
    ) -> Callable[[Decorated], Decorated]:
        """Register a handler.

        `right`     needed to call it (None: any signed-in person); `at_least` how far it must reach
        `public`    nobody needs to be signed in
        `audited`   False where the audit log would drown: what a browser or a web shop sends by itself
        `status`    of the answer when all is well
        `errors`    refusals of its own (409, 429…); those that follow from its parameters are known
        `produces`  kinds of files it answers, with commas between
        `accepts`   the kind of file that is its body, which the handler reads as it comes
        """

        def register(handler: Decorated) -> Decorated:
            taken, file = _taken(handler, path), produces != "application/json"
            self.listed.append(
                Operation(
                    method=method,
                    path=path,
                    tag=self.tag,
                    handler=handler,
                    right=right,
                    at_least=at_least,
                    public=public,
                    audited=audited,
                    status=204 if taken["returns"] is None and status == 200 and not file else status,
                    errors=tuple(errors),
                    produces=produces,
                    accepts=accepts,
                    **taken,
                )
            )
            return handler

        return register


def _taken(handler: Handler, path: str) -> dict[str, Any]:
    """What the handler's signature says it takes and answers."""
    hints = get_type_hints(handler, include_extras=True)
    names = re.findall(r"{(\w+)}", path)
    known = {*names, "request", "query", "body", "return"}
    if unknown := set(hints) - known or {*names} - set(hints):
        raise TypeError(f"{handler.__name__}: {sorted(unknown)} and {path} do not fit together")
    answer: Any = hints.get("return")
    streamed = inspect.isclass(answer) and issubclass(answer, web.StreamResponse)
    empty = answer is None or answer is type(None) or streamed
    return {
        "parameters": {name: TypeAdapter(hints[name]) for name in names},
        "query": hints.get("query"),
        "body": hints.get("body"),
        "returns": None if empty else TypeAdapter(answer),
    }


def _read_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The query string as `model`; a repeated parameter is a list, and is refused where one is expected."""
    given: dict[str, Any] = {}
    for name in request.query:
        values = [value.replace("\0", "") for value in request.query.getall(name)]
        given[name] = values if len(values) > 1 or _is_list(model, name) else values[0]
    wrong = [name for name, value in given.items() if not _literal(model, name, value)]
    if wrong:
        errors = [FieldError(field=name, message="is not valid") for name in wrong]
        raise Refusal(422, "Some of what you asked is not valid.", errors=errors)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise from_validation(error) from None


def _alternatives(model: type[BaseModel], name: str) -> set[Any]:
    if name not in model.model_fields:
        return set()
    annotation = model.model_fields[name].annotation
    return {annotation, *get_args(annotation)}


def _is_list(model: type[BaseModel], name: str) -> bool:
    return any(get_origin(kind) in (list, tuple, set) for kind in _alternatives(model, name))


def _literal(model: type[BaseModel], name: str, value: object) -> bool:
    """False for text that pydantic would take but the description does not promise ("yes", "1.0", "1_0")."""
    if not isinstance(value, str):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes that were no UTF-8
        return False
    kinds = _alternatives(model, name)
    if bool in kinds:
        return value in ("true", "false")
    if any(kind is int or int in get_args(kind) for kind in kinds):
        return _INTEGER.fullmatch(value) is not None
    return True


async def _read_body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The JSON body as `model`, strictly typed. Raises `Refusal` 400, 415 or 422."""
    if request.content_type != "application/json":
        raise Refusal(415, "Send JSON with Content-Type: application/json.")
    raw = await request.read()
    try:
        return model.model_validate_json(_plain_json(raw), strict=True)
    except ValidationError as error:
        if error.errors(include_input=False, include_context=False)[0]["type"] == "json_invalid":
            raise Refusal(400, "The body is not JSON.") from None
        raise from_validation(error) from None
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.") from None


def _plain_json(raw: bytes) -> bytes:
    """The same JSON with whole numbers as integers and no NUL. Raises `ValueError`, `RecursionError`.

    For JSON 7.0 is an integer, for strict pydantic it is not; PostgreSQL can not store NUL in a text.
    """
    value = json.loads(raw.decode(), parse_float=_number, parse_constant=_no_number)
    return _NUL.sub(rb"\1", json.dumps(value, allow_nan=False).encode())


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= BIGGEST_ID else number


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


class Api:
    """All operations of the API and the document that describes them."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def add(self, operations: Operations) -> None:
        """Take a table of operations into the API."""
        self.operations.extend(operations.listed)

    def register(self, app: web.Application) -> None:
        """Add every operation and the description to the router; call once, after all `add`."""
        from web.openapi import describe

        for operation in self.operations:
            app.router.add_route(operation.method, PREFIX + operation.path, operation.handle)
        document: list[bytes] = []  # made when first asked for: it takes longer than the rest of a start

        async def openapi(request: web.Request) -> web.Response:
            if not document:
                document.append(describe(self.operations).encode())
            return web.Response(body=document[0], content_type="application/json")

        app.router.add_get(f"{PREFIX}/openapi.json", openapi)
