"""Posts a text to a chat, in the form that each service expects.

The text is ours except ids of sites, which have no markup characters. Apprise supports more
services but resolves names and connects by itself, so addresses in the private network could not be
blocked.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from avenue.config import AlertChat
from avenue.outside.posting import Poster

TELEGRAM_URL = "https://api.telegram.org"
LONGEST = 1900
"""Characters: Discord accepts 2,000, the others more."""
JSON = {"Content-Type": "application/json", "User-Agent": "Avenue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A request to a chat."""

    url: str
    body: bytes
    headers: Mapping[str, str]


def _slack(url: str, text: str) -> Post:
    # docs.slack.dev: these three characters are markup
    return _json(url, {"text": escape(text, quote=False)})


def _discord(url: str, text: str) -> Post:
    return _json(url, {"content": text, "allowed_mentions": {"parse": []}})


def _teams(url: str, text: str) -> Post:
    """Return a card, which the workflow "When a Teams webhook request is received" accepts."""
    block = {"type": "TextBlock", "text": text, "wrap": True}
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [block]}
    kind = "application/vnd.microsoft.card.adaptive"
    return _json(url, {"type": "message", "attachments": [{"contentType": kind, "content": card}]})


def _ntfy(url: str, text: str) -> Post:
    headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Avenue"}
    return Post(url=url, body=text.encode(), headers=headers)


def _telegram(target: str, text: str) -> Post:
    token, _, chat = target.partition("/")
    told = {"chat_id": chat, "text": text, "link_preview_options": {"is_disabled": True}}
    return _json(f"{TELEGRAM_URL}/bot{token}/sendMessage", told)


def _json(url: str, told: Mapping[str, Any]) -> Post:
    return Post(url=url, body=json.dumps(told).encode(), headers=JSON)


FORMS: Mapping[str, Callable[[str, str], Post]] = {
    "slack": _slack,
    "discord": _discord,
    "teams": _teams,
    "ntfy": _ntfy,
    "telegram": _telegram,
}


def post_to(chat: AlertChat, text: str) -> int:
    """Post `text` to a chat; return the status of the response. Raise as `Poster`."""
    post = FORMS[chat.service](chat.target, text[:LONGEST])
    return Poster(post.url).post(post.body, post.headers)
