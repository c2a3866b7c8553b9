"""The buttons of the demo: a simulated telephone, and a customer who calls when asked to.

Known to the API only while the demo runs.
"""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.demo_work import price_list
from crm_core.errors import Forbidden, NotFound
from web.api import Operations
from web.fields import Given
from web.rights import MAKE_CALLS
from web.services import Simulator, services
from web.sessions import person

operations = Operations("demo")
Number = Annotated[str, StringConstraints(pattern=r"^(\+?[0-9]{1,20}|anonymous)$")]


class Ring(Given):
    """Who calls which line; chosen at random where it is not said."""

    number: Number | None = None
    line: Annotated[str, StringConstraints(max_length=40)] | None = None


class Press(Given):
    """A button of the telephone."""

    action: Literal["answer", "decline", "hangup"] = Field(description="what the person at the phone does")


def simulator(request: web.Request) -> Simulator:
    """The simulated switchboard. Raises `NotFound` outside the demo."""
    demo = services(request).demo
    if demo is None:
        raise NotFound("This is not the demo.")
    return demo


@operations.post("/demo/calls", right=MAKE_CALLS, status=202)
async def post_demo_call(request: web.Request, body: Ring) -> None:
    """Let a customer call."""
    await simulator(request).ring(body.number, body.line)


@operations.get("/demo/prices.csv", public=True, produces="text/csv")
async def get_demo_prices(request: web.Request) -> web.Response:
    """The price list of the demo's supplier, as it is at this hour."""
    simulator(request)
    return web.Response(text=price_list(services(request).now()), content_type="text/csv")


@operations.post("/demo/phones/{extension}", right=MAKE_CALLS, status=202, errors=(404, 409))
async def post_demo_phone(request: web.Request, extension: str, body: Press) -> None:
    """Press a button of one's own simulated telephone."""
    agent = services(request).live.desk(person(request).user_id)["agent"]
    if extension not in agent["extensions"]:
        raise Forbidden("This is a colleague's telephone.")
    await simulator(request).press(extension, body.action)
