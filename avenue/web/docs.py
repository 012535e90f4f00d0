"""`/api/openapi.json` and `/api/docs`: the description of the API, for programs and for people.

The page is generated from the document only, so the two cannot differ. It contacts no other host
and needs no JavaScript.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, g, make_response, render_template, request
from markupsafe import Markup, escape
from typing_extensions import TypedDict

from avenue.web.describing import JSON, Reply, described
from avenue.web.hosts import current_site
from avenue.web.language import language
from avenue.web.openapi import COMPONENTS, FORM, Json, document

blueprint = Blueprint("docs", __name__, url_prefix="/api")

EXTENSION = "avenue.openapi"
WRITTEN = "avenue.openapi.written"
KEPT_SECONDS = 60
CODE = re.compile(r"`([^`]+)`")
PLACE_IN_PATH = re.compile(r"\{(\w+)\}")


class OpenApi(TypedDict):
    """The description itself (OpenAPI 3.1)."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, str]]
    tags: list[dict[str, str]]
    paths: dict[str, Any]
    components: dict[str, Any]


@blueprint.get("/openapi.json")
@described(
    replies={
        200: Reply({JSON: OpenApi}, headers=("ETag",)),
        304: Reply(about="It is still the one of If-None-Match."),
    }
)
def openapi_json() -> Response:
    """Give this description to programs."""
    written, digest = _written()
    servers = json.dumps(_servers(), ensure_ascii=False, separators=(",", ":"))
    response = make_response(f'{written[:-1]},"servers":{servers}}}')
    response.mimetype = JSON
    response.cache_control.public = True
    response.cache_control.max_age = KEPT_SECONDS
    response.set_etag(hashlib.sha256(f"{digest} {servers}".encode()).hexdigest())
    response.make_conditional(request)
    return response


@blueprint.get("/docs")
def docs_page() -> Response:
    """Show the description to people."""
    described_api = _document()
    response = make_response(
        render_template(
            "docs.html",
            language=language(),
            site_name=current_site().name,
            api=described_api,
            groups=list(_groups(described_api)),
            coded=_coded,
            marked=_marked,
            curl=lambda operation: _curl(described_api, operation),
        )
    )
    response.vary.add("Accept-Language")
    return response


def _document() -> Json:
    """Return the description for the site asked."""
    return {**_of_every_site(), "servers": _servers()}


def _servers() -> list[dict[str, str]]:
    return [{"url": g.site.base_url}]


def _of_every_site() -> Json:
    """Return the description but for the site's address; it is made once."""
    known: Json = current_app.extensions
    if EXTENSION not in known:
        known[EXTENSION] = document(current_app)
    made: Json = known[EXTENSION]
    return made


def _written() -> tuple[str, str]:
    """Return the same as text, and its hash; it is written once."""
    known: dict[str, tuple[str, str]] = current_app.extensions
    if WRITTEN not in known:
        text = json.dumps(_of_every_site(), ensure_ascii=False, separators=(",", ":"))
        known[WRITTEN] = (text, hashlib.sha256(text.encode()).hexdigest())
    return known[WRITTEN]


def _groups(api: Json) -> Iterator[Json]:
    """Yield each tag with its operations, with method and path."""
    for tag in api["tags"]:
        operations = [
            {**operation, "method": method.upper(), "path": path}
            for path, methods in api["paths"].items()
            for method, operation in methods.items()
            if operation["tags"] == [tag["name"]]
        ]
        yield {**tag, "id": tag["name"].replace(" ", "-"), "operations": operations}


def _coded(text: str) -> Markup:
    """Return a line of the document as HTML, with `code` in a code element."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _marked(text: str) -> Markup:
    """Return a text of the document as HTML: its paragraphs, with `code` in code elements."""
    paragraphs = (each.strip() for each in _coded(text).split("\n\n"))
    return Markup("\n").join(Markup(f"<p>{each}</p>") for each in paragraphs if each)  # noqa: S704 - escaped above


def _curl(api: Json, operation: Json) -> str:
    """Return a `curl` command for `operation`, with placeholders in capitals."""
    url = api["servers"][0]["url"] + PLACE_IN_PATH.sub(
        lambda match: match[1].upper(), operation["path"]
    )
    query = "&".join(
        f"{each['name']}={each['name'].upper()}"
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each["required"]
    )
    method = operation["method"]
    parts = ["curl" if method == "GET" else f"curl -X {method}"]
    parts.append(f"'{url}?{query}'" if query else f"'{url}'")
    if operation["x-callers"] != "everybody":
        parts.append('-H "Authorization: Bearer $TOKEN"')
    content = operation.get("requestBody", {}).get("content", {})
    if FORM in content:
        parts.append("-F file=@photo.jpg")
    elif JSON in content:
        parts.append("--json '" + _example_text(api, content[JSON]["schema"]) + "'")
    elif content:
        parts.append(f"-H 'Content-Type: {next(iter(content))}' --data-binary @FILE")
    return " \\\n  ".join(parts)


def _example_text(api: Json, schema: Json) -> str:
    return json.dumps(example(api, schema), ensure_ascii=False).replace("'", "'\\''")


def example(api: Json, schema: Json) -> Any:
    """Return a minimal value that is valid for `schema`.

    A field whose value cannot be derived (a pattern, for example) states it in `examples`.
    """
    if "$ref" in schema:
        return example(api, api["components"]["schemas"][schema["$ref"].removeprefix(COMPONENTS)])
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example(api, schema["anyOf"][0])
    return _plain_example(api, schema)


def _plain_example(api: Json, schema: Json) -> Any:
    match schema.get("type"):
        case "object":
            return _object_example(api, schema)
        case "array":
            return [example(api, schema["items"])] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case _:
            return "…" * max(1, schema.get("minLength", 1))


def _object_example(api: Json, schema: Json) -> Json:
    """Return the required keys; without any, the first one, so that something is shown."""
    properties: Json = schema.get("properties", {})
    names = schema.get("required") or list(properties)[:1]
    return {name: example(api, properties[name]) for name in names}
