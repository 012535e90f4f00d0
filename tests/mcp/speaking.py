"""How tests speak to `/mcp` without a client: one message, one answer."""

import json
from typing import Any

from werkzeug.test import TestResponse

from tests.http.application import Caller

VERSION = "2025-11-25"
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION}


def said(caller: Caller, method: str, headers: Any = None, **params: Any) -> TestResponse:
    """The answer to one request of the protocol."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return caller.post("/mcp", json=message, headers={**HEADERS, **(headers or {})})


def called(caller: Caller, tool: str, **arguments: Any) -> Any:
    """What a tool answered, as `structuredContent`."""
    result = result_of(caller, tool, **arguments)
    assert not result["isError"], result
    return result["structuredContent"]


def refused(caller: Caller, tool: str, **arguments: Any) -> Any:
    """The error that a tool answered."""
    result = result_of(caller, tool, **arguments)
    assert result["isError"], result
    assert "structuredContent" not in result
    (content,) = result["content"]
    return json.loads(content["text"])


def result_of(caller: Caller, tool: str, **arguments: Any) -> Any:
    answer = said(caller, "tools/call", name=tool, arguments=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json["result"]
