"""The SDK's own client against a real server: both generations of the protocol."""

import base64
import subprocess
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role
from avenue.storage.connection import Database
from tests.mongod import Guard
from tests.pictures import noise_png
from tests.server import PASSWORD, Server, prepare
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

EDITOR = "editor@example.com"
JOURNEY = Path(__file__).parents[1] / "clients" / "mcp.mjs"


@pytest.fixture
def server(guard: Guard, migrated_uri: str) -> Any:
    prepare(migrated_uri)
    settings = Settings(mongodb_uri=migrated_uri, local=True)
    database = Database(settings)
    accounts = Services(settings, database).accounts
    accounts.add_user(EDITOR, PASSWORD, roles={DEFAULT_SITE: Role.EDITOR})
    database.close()
    with Server(guard, migrated_uri) as running:
        yield running


def test_a_day_of_an_agent(server: Server) -> None:
    token = token_of(server)
    with Threads(1) as threads:  # the driver of browsers has an event loop in the one of tests
        for mode in ("legacy", "auto"):
            threads.submit(
                lambda mode=mode: anyio.run(
                    journey, f"http://localhost:{server.port}/mcp", token, mode
                )
            ).result(DEADLINE_SECONDS)
    log = server.log.read_text()
    assert '"route": "/mcp"' in log
    assert not [each for each in (token, "Encaje", "StreamableHTTP") if each in log]


@pytest.mark.long
@pytest.mark.needs("client packages")
def test_a_day_of_an_agent_in_javascript(server: Server) -> None:
    """The other official SDK, which holds every answer against the tool's schema."""
    done = subprocess.run(
        ["node", str(JOURNEY), f"http://localhost:{server.port}/mcp", token_of(server)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr


def token_of(server: Server) -> str:
    sent = {"email": EDITOR, "password": PASSWORD}
    return str(server.client.send_json("POST", "/api/auth/login", sent).json["token"])


async def journey(url: str, token: str, mode: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):

        async def call(tool: str, **arguments: Any) -> Any:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result
            return result.structured_content

        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert tools["get_media"].annotations.read_only_hint
        assert tools["delete_media"].annotations.destructive_hint
        assert all(each.output_schema for each in tools.values())
        data = base64.b64encode(noise_png(64, 48, seed=len(mode))).decode()
        made = (await call("upload_media", name="Ñandutí.jpg", data=data))["media"]
        await call("update_media", id=made["id"], alt={"es": "Encaje"}, tags=["encaje"])
        found = await call("search_media", query="encaj")
        assert [each["id"] for each in found["items"]] == [made["id"]]
        described = await call("get_media", id=made["id"])
        assert (described["alt"], described["uses"]) == ({"es": "Encaje"}, 0)
        assert (await call("list_folders"))["items"] == []
        assert (await call("move_media", ids=[made["id"]], folder=None))["items"]
        assert (await call("get_media_usage", id=made["id"]))["total"] == 0
        assert (await call("delete_media", ids=[made["id"]]))["dry_run"]
        assert (await call("delete_media", ids=[made["id"]], dry_run=False))["to_trash"]
        gone = await client.call_tool("get_media", {"id": made["id"]})
        assert gone.is_error
        assert '"code": "media_not_found"' in gone.content[0].text
