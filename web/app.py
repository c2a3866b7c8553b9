"""The web application: every noun's routes, in the order of middleware that keeps them safe."""

import warnings
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp_session import session_middleware
from markupsafe import Markup, escape

from web import (
    audio,
    callback_calendar,
    exports,
    guide,
    health,
    login_page,
    menu,
    nouns,
    pay_page,
    sign_in,
    trail,
    users,
    vote_page,
)
from web import demo as demo_buttons
from web.api import Api
from web.assets import add_static, static_url
from web.errors import errors_middleware
from web.middleware import LARGEST_BODY, NONCE, add_safety_headers, request_log, same_origin
from web.services import SERVICES, Services
from web.sessions import PERSON, STORE, PostgresStorage, make_store
from web.tidy import keep_tidy

TEMPLATES = Path(__file__).parent / "templates"


def build_app(services: Services) -> web.Application:
    """The application that serves pages, API and health; `web/main.py` runs it."""
    # aiohttp-session keeps its session under a text; aiohttp would complain once per process.
    warnings.filterwarnings("ignore", "It is recommended to use web.RequestKey", module="aiohttp_session")
    store = make_store(services)
    storage = PostgresStorage(store, secure=services.settings.tls)
    app = web.Application(
        middlewares=[request_log, errors_middleware, same_origin, session_middleware(storage)],
        client_max_size=LARGEST_BODY,
    )
    app[SERVICES] = services
    app[STORE] = store
    trail.prepare(app)
    exports.prepare(app)
    guide.prepare(app)
    app.on_response_prepare.append(add_safety_headers)
    app.cleanup_ctx.append(keep_tidy)
    _add_templates(app)
    build_api(demo=services.demo is not None).register(app)
    app.add_routes(health.routes)
    app.add_routes(login_page.routes)
    app.add_routes(callback_calendar.routes)
    app.add_routes(vote_page.routes)
    app.add_routes(pay_page.routes)
    nouns.add_pages(app)
    add_static(app)
    return app


def build_api(*, demo: bool = False) -> Api:
    """Every operation of the API, noun by noun; in the demo its buttons too."""
    api = Api()
    api.add(sign_in.operations)
    api.add(users.operations)
    api.add(audio.operations)
    nouns.add_operations(api)
    if demo:
        api.add(demo_buttons.operations)
    return api


def _add_templates(app: web.Application) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        context_processors=[page_context],
    )
    # English is the language of the sources; catalogues are installed here once there are some.
    said: Any = environment  # what the extension made of it
    said.install_gettext_callables(_said, _counted, newstyle=False)
    environment.globals["static"] = static_url
    environment.globals["menu"] = menu


def _said(text: str, **values: object) -> Markup:
    """A text of ours, which has no markup, with its values in it.

    Names come through here too (the columns of a report are queues and sources), and one may be "10 % off": without
    values there is nothing to put in, and a per cent sign is one.
    """
    return escape(text) % values if values else escape(text)


def _counted(one: str, many: str, num: int, **values: object) -> Markup:
    return _said(one if num == 1 else many, num=num, **values)


async def page_context(request: web.Request) -> dict[str, Any]:
    """What every template may use: who is signed in, the nonce for inline elements, the push port."""
    return {
        "person": request.get(PERSON),
        "csp_nonce": request.get(NONCE, ""),
        "push_port": request.app[SERVICES].settings.browser_push_port,
        "demo": request.app[SERVICES].settings.demo,
        "path": request.path,
    }
