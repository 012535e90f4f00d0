"""Stand-ins for Supabase Storage, Cloudinary and Cloudflare Images, as their documentation says.

They page, limit, forget cursors and keep private files private; each asks for its key.
"""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

KEY, SECRET = "key-of-tests", "secret-of-tests"
PAGE = 3
ACCOUNT_HASH = "ZWd9g1K7eljCn_KDTu_MWA"


@dataclass
class StandIn:
    """A service with files: what it is to answer before it answers well is in `first`."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    public: bool = True
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    first: dict[str, list[Response]] = field(default_factory=dict)
    forgets: bool = False
    slow: set[str] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def limited(status: int, **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response('{"error": {"message": "slow down"}}', status, fields)


def _paged(stand_in: StandIn, cursor: str | None, items: list[Any]) -> tuple[list[Any], str | None]:
    start = int(cursor or 0)
    end = start + PAGE
    return items[start:end], str(end) if end < len(items) else None


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@contextmanager
def served(stand_in: StandIn) -> Iterator[StandIn]:
    app = Flask("stand-in")
    app.url_map.merge_slashes = False
    lock = threading.Lock()

    @app.before_request
    def first() -> Any:
        with lock:
            stand_in.asked.append(request.full_path)
            stand_in.at_once += 1
            stand_in.most_at_once = max(stand_in.most_at_once, stand_in.at_once)
            for part, answers in stand_in.first.items():
                if part in request.path and answers:
                    return answers.pop(0)
            if stand_in.forgets and (
                request.args.get("next_cursor")
                or request.args.get("continuation_token")
                or (request.is_json and request.json.get("cursor"))
            ):
                stand_in.forgets = False
                return jsonify(error={"message": "Invalid cursor"}), 400
        return None

    @app.teardown_request
    def last(_: object) -> None:
        with lock:
            stand_in.at_once -= 1

    _supabase(app, stand_in)
    _cloudinary(app, stand_in)
    _cf_images(app, stand_in)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    stand_in.port = server.server_port
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.closing.set()
        server.shutdown()
        joined(thread)
        server.server_close()


def _supabase(app: Flask, stand_in: StandIn) -> None:
    def refused(status: int, code: str) -> Any:
        return jsonify(statusCode=str(status), error="x", message="x", code=code), 400

    def may() -> bool:
        return request.headers.get("Authorization") == f"Bearer {KEY}"

    @app.get("/storage/v1/bucket/<bucket>")
    def bucket(bucket: str) -> Any:
        if not may():
            return refused(403, "AccessDenied")
        return jsonify(id=bucket, name=bucket, public=stand_in.public)

    @app.post("/storage/v1/object/list-v2/<bucket>")
    def listing(bucket: str) -> Any:
        names = sorted(stand_in.files)
        page, following = _paged(stand_in, request.json.get("cursor"), names)
        objects = [
            {
                "id": name,
                "name": name,
                "metadata": {
                    "eTag": _sha1(stand_in.files[name]),
                    "size": len(name),
                },
            }
            for name in page
        ]
        return jsonify(
            hasNext=following is not None, nextCursor=following, folders=[], objects=objects
        )

    @app.get("/storage/v1/object/authenticated/<bucket>//<path:key>")
    @app.get("/storage/v1/object/authenticated/<bucket>/<path:key>")
    def read(bucket: str, key: str) -> Any:
        key = request.environ["REQUEST_URI"].split(f"/{bucket}/", 1)[1]
        if not may():
            return refused(403, "AccessDenied")
        data = stand_in.files.get(unquote(key))
        return refused(404, "NoSuchKey") if data is None else Response(data)


def _cloudinary(app: Flask, stand_in: StandIn) -> None:
    @app.get("/v1_1/<cloud>/resources/<kind>/<delivery>")
    def resources(cloud: str, kind: str, delivery: str) -> Any:
        pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            return jsonify(error={"message": "unknown api_key"}), 401
        items = stand_in.items.get(f"{kind}/{delivery}", [])
        page, following = _paged(stand_in, request.args.get("next_cursor"), items)
        answer = {"resources": page}
        if following:
            answer["next_cursor"] = following
        return jsonify(answer)

    @app.get("/v1_1/<cloud>/<kind>/download")
    def download(cloud: str, kind: str) -> Any:
        facts = request.args.to_dict()
        signature = facts.pop("signature")
        facts.pop("api_key")
        text = "&".join(f"{name}={facts[name]}" for name in sorted(facts))
        if _sha1(f"{text}{SECRET}".encode()) != signature:
            return jsonify(error={"message": "Invalid Signature"}), 401
        return Response(stand_in.files[facts["public_id"]])

    @app.get("/<cloud>/<kind>/upload/<path:rest>")
    def delivered(cloud: str, kind: str, rest: str) -> Any:
        name = rest.partition("/")[2].rpartition(".")[0]
        if name in stand_in.slow:
            stand_in.closing.wait(DEADLINE_SECONDS)
        data = stand_in.files.get(name)
        return Response(data) if data else ("", 404)


def _cf_images(app: Flask, stand_in: StandIn) -> None:
    @app.get("/client/v4/accounts/<account>/images/v2")
    def images(account: str) -> Any:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return jsonify(success=False, errors=[{"code": 9109}]), 403
        items = stand_in.items.get("cf", [])
        page, following = _paged(stand_in, request.args.get("continuation_token"), items)
        return jsonify(success=True, result={"images": page, "continuation_token": following})

    @app.get("/client/v4/accounts/<account>/images/v1/<path:image>/blob")
    def blob(account: str, image: str) -> Any:
        data = stand_in.files.get(image)
        return Response(data) if data else (jsonify(success=False), 404)
