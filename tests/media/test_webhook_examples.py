"""The examples of docs/webhooks.md, really run: they know our messages, and no others."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from avenue.media.announcing.models import Kind
from avenue.webhooks.standard import SignedPost
from tests.media.test_outbox import DATA_KEYS
from tests.waiting import DEADLINE_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
NOW = 1_795_284_000
BODY = '{"type":"asset.created","name":"ñandú.jpg"}'.encode()


class Sent:
    """Takes a message as a receiver would."""

    def __init__(self) -> None:
        self.headers: Mapping[str, str] = {}

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        self.headers = dict(headers)
        return 200


def message(**changes: Any) -> dict[str, Any]:
    """What we send, with something changed in it."""
    sent = Sent()
    SignedPost(poster=sent, key=KEY, now=lambda: NOW).send("5f0c", BODY)
    headers = {**sent.headers, **changes.pop("headers", {})}
    return {"headers": headers, "body": BODY, "secret": SECRET, "now": NOW, **changes}


OLD_AND_RIGHT = f"v1,{'A' * 43}= {message()['headers']['webhook-signature']}"
CASES: list[tuple[dict[str, Any], bool]] = [
    (message(), True),
    (message(now=NOW + 299), True),
    (message(now=NOW - 299), True),
    (message(headers={"webhook-signature": OLD_AND_RIGHT}), True),
    (message(body=BODY + b" "), False),
    (message(headers={"webhook-id": "5f0d"}), False),
    (message(headers={"webhook-timestamp": str(NOW + 1)}), False),
    (message(headers={"webhook-signature": "v1,"}), False),
    (message(secret=f"whsec_{base64.b64encode(KEY[::-1]).decode()}"), False),
    (message(now=NOW + 301), False),
    (message(now=NOW - 301), False),
]


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def by_python(case: Mapping[str, Any]) -> bool:
    names: dict[str, Callable[..., bool]] = {}
    exec(example("python"), names)  # noqa: S102 - our own page, to show that it is right
    return names["is_from_avenue"](**case)


@pytest.mark.parametrize(("case", "is_ours"), CASES)
def test_the_python_example_knows_our_messages(case, is_ours):
    assert by_python(case) == is_ours


def test_the_node_example_knows_the_same(tmp_path):
    ask = """
      import { readFileSync } from "node:fs";
      const cases = JSON.parse(readFileSync(0));
      const say = ({ headers, body, secret, now }) =>
        isFromAvenue(headers, Buffer.from(body, "base64"), secret, now);
      console.log(JSON.stringify(cases.map(say)));
    """
    file = tmp_path / "receiver.mjs"
    file.write_text(example("js") + ask)
    cases = [{**case, "body": base64.b64encode(case["body"]).decode()} for case, _ in CASES]
    done = subprocess.run(
        ["node", str(file)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    assert json.loads(done.stdout) == [is_ours for _, is_ours in CASES]


def test_the_page_names_every_type_and_key():
    assert set(re.findall(r"^\| `(asset\.\w+)` \|", PAGE, re.MULTILINE)) == {*Kind}
    (shown,) = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    assert set(shown["data"]) == DATA_KEYS | {"file"}
