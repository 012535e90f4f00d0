"""`/mcp`, the endpoint of the Model Context Protocol (Streamable HTTP, stateless, JSON)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any

from flask import Blueprint, Response, request
from pydantic import ValidationError

from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.service import MediaService
from avenue.config import Settings
from avenue.errors import AvenueError, Unauthenticated
from avenue.identity import Role
from avenue.mcp.errors import McpNotInstalled, OriginNotAllowed
from avenue.mcp.tools import TOOLS, Tool, ToolContext
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import (
    CHALLENGE,
    InsufficientScope,
    bearer_token,
    current_actor,
    require,
)
from avenue.web.csrf import is_own_origin
from avenue.web.incoming import file_of
from avenue.web.limits import count_as, reading_route
from avenue.web.parsing import invalid_body, json_text
from avenue.web.problems import refusal_of
from avenue.web.request_kinds import MCP
from avenue.web.requestlog import request_id
from avenue.web.services import using

blueprint = Blueprint("mcp", __name__, url_prefix=MCP)


@blueprint.post("")
@require(Role.EDITOR, any_scope=True)
@reading_route
@audited("media.changed")
def answer_message() -> Response:
    """Answer one message of the Model Context Protocol."""
    if bearer_token() is None:
        raise Unauthenticated(headers=CHALLENGE)
    _check_origin()
    protocol, sent = _protocol(), json_text()
    actor = current_actor()
    context = ToolContext(
        actor=actor,
        media=using(MediaService),
        folders=using(FolderService),
        receive=lambda data, name, most: file_of(data, name=name, max_bytes=most),
    )
    changed = False

    def call(tool: Tool, arguments: Mapping[str, Any]) -> Any:
        nonlocal changed
        try:
            done = _run(tool, context, arguments)
        except Exception as error:
            return protocol.Result(text=_error_json(error), content=None)
        for action, object_id, details in done.changes:
            note_each(action, [object_id], **details)
            changed = True
        return protocol.Result(text=done.text, content=done.content)

    offered = [each for each in TOOLS if each.scope in actor.scopes]
    answer = protocol.respond(list(request.headers.items()), sent, offered, call)
    if not changed:
        nothing_changed()
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise AvenueError
    return Response(answer.body, answer.status, answer.headers)


def _protocol() -> ModuleType:
    try:
        from avenue.mcp import protocol
    except ModuleNotFoundError as error:
        raise McpNotInstalled from error
    return protocol


def _check_origin() -> None:
    """Reject origins other than ours and those in the settings, as the protocol requires."""
    origin = request.headers.get("Origin")
    if origin is None or is_own_origin(origin) or origin in using(Settings).cors_origins:
        return
    raise OriginNotAllowed


def _run(tool: Tool, context: ToolContext, arguments: Mapping[str, Any]) -> Any:
    if tool.scope not in context.actor.scopes:
        raise InsufficientScope(scope=tool.scope)
    if not tool.reads:
        count_as(tool.counts)
    try:
        asked = tool.takes.model_validate(arguments)
    except ValidationError as error:
        raise invalid_body(error) from None
    return tool.run(context, asked)


def _error_json(error: Exception) -> str:
    """Return an error as JSON, with the keys that it has under `/api`."""
    problem = refusal_of(error)
    return json.dumps(
        {
            **problem.facts,
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            "status": problem.status,
            "request_id": request_id(),
        },
        ensure_ascii=False,
    )
