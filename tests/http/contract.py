"""Holds every answer of the tests against the description of the API: it must not lie.

What clients are told to read past (keys more) is an offence here, and so is a status, a media
type or an error code that the description does not have.
"""

from http import HTTPStatus
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from avenue.app import create_app
from avenue.config import Settings
from avenue.media.urls import asset_in
from avenue.storage.connection import Database
from avenue.web.errors import MethodNotAllowed
from avenue.web.openapi import document
from avenue.web.operations import PLACE_IN_RULE

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def unconnected_app() -> Flask:
    """The application for looking at it; nobody may ask its database anything."""
    settings = Settings(mongodb_uri="mongodb://127.0.0.1:1/none", secret_key="s" * 40, local=True)
    database = Database(settings)
    app = create_app(settings, database)
    database.close()
    return app


def strict(described: Json) -> Json:
    """The description without what is there for the future: other keys, other refusals."""
    closed: Json = _closed(described)
    for methods in closed["paths"].values():
        for operation in methods.values():
            del operation["responses"]["default"]
    return closed


def _closed(value: Any) -> Any:
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    closed = {key: _closed(each) for key, each in value.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


class Contract:
    """The description of one application."""

    def __init__(self, app: Flask) -> None:
        self.document = strict(document(app))
        self._validators: dict[int, Any] = {}
        self.seen: set[str] = set()

    def check(self, app: Flask, method: str, path: str, response: TestResponse) -> None:
        """Fail when an answer is not as the description says; pages are not its business."""
        rule = _rule(app, method, path)
        operations = self.document["paths"].get(PLACE_IN_RULE.sub(r"{\1}", rule or ""), {})
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            return
        where = f"{method} {rule} → {response.status_code}"
        told = operation["responses"].get(str(response.status_code))
        if told is None and asset_in(response.headers.get("Location", "")):
            # An old address that answers where there is nothing else is as described of those.
            old = self.document["paths"]["/uploads/{path}"]["get"]
            told = old["responses"].get(str(response.status_code))
        assert told is not None, f"{where} is not described: {response.text[:300]}"
        self.seen.add(f"{method} {rule} {response.status_code}")
        missing = set(told.get("headers", ())) - set(response.headers.keys())
        assert not missing - SOMETIMES, f"{where} has no {missing}"
        if method != "HEAD":
            self._check_body(where, told, response)

    def codes(self, method: str, path: str, status: int) -> list[str]:
        """The error codes that are described for a status."""
        if status == HTTPStatus.METHOD_NOT_ALLOWED:  # of every path, so it is not repeated at each
            return [MethodNotAllowed.code]
        responses = self.document["paths"][path][method.lower()]["responses"]
        codes: list[str] = responses[str(status)]["x-codes"]
        return codes

    def _check_body(self, where: str, told: Json, response: TestResponse) -> None:
        contents = told.get("content", {})
        if not contents:
            assert not response.data, f"{where} is described without a body: {response.text[:300]}"
            return
        found = contents.get(response.mimetype) or contents.get("*/*")
        assert found, f"{where} is {response.mimetype}, not {' or '.join(contents)}"
        if response.mimetype == "application/json":
            self._check_json(where, found["schema"], response)
        codes = told.get("x-codes")
        if codes:
            assert response.json["code"] in codes, f"{where} {response.json['code']}: not described"

    def _check_json(self, where: str, schema: Json, response: TestResponse) -> None:
        if id(schema) not in self._validators:
            named = _named(schema, self.document["components"]["schemas"])
            whole = {**schema, "components": {"schemas": named}, "$schema": DIALECT}
            self._validators[id(schema)] = jsonschema_rs.validator_for(whole)
        wrong = [str(each) for each in self._validators[id(schema)].iter_errors(response.json)]
        assert not wrong, f"{where}: {wrong[:5]}"


def _named(value: Any, schemas: Json) -> Json:
    """The schemas that `value` and they themselves refer to; compiling all takes 15 times that."""
    found: Json = {}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
            name = str(each.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in schemas and name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
    return found


SOMETIMES = {
    # Headers that an answer has only when there is reason.
    "Avenue-Mended",
    "Idempotent-Replayed",
    "Location",
}


def _rule(app: Flask, method: str, path: str) -> str | None:
    try:
        rule, _ = app.url_map.bind("any").match(path, method, return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    return rule.rule
