"""Alerts in chats: each service in its own form, those of the worst only, and a test by hand."""

from dataclasses import replace
from typing import Any

import pytest

from avenue.errors import Forbidden
from avenue.notifications import chats
from tests.health.alerts.conftest import Deployment, operator

TOKEN = "123456:planted-bot-token-0123456789"


@pytest.fixture
def chatty(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    base = f"http://127.0.0.1:{deployment.inbox.port}"
    monkeypatch.setattr(chats, "TELEGRAM_URL", f"{base}/telegram")
    told = [f"{service}={base}/{service}" for service in ("slack", "discord", "teams")]
    told += [f"critical:ntfy={base}/ntfy", f"telegram={TOKEN}/-100200"]
    settings = replace(deployment.settings, alert_emails=(), alert_url="", alert_chats=tuple(told))
    return Deployment(deployment.database, settings, deployment.box, deployment.inbox)


def said(deployment: Deployment) -> dict[str, Any]:
    """What each chat was told, by the first part of its path."""
    told = {each.path.split("/")[1]: each for each in deployment.inbox.all()}
    texts = {}
    for name, each in told.items():
        if name == "ntfy":
            texts[name] = each.body.decode()
            continue
        message = each.message
        if name == "teams":
            (card,) = message["attachments"]
            texts[name] = card["content"]["body"][0]["text"]
        elif name == "discord":
            assert message["allowed_mentions"] == {"parse": []}
            texts[name] = message["content"]
        else:
            texts[name] = message["text"]
        if name == "telegram":
            assert each.path == f"/telegram/bot{TOKEN}/sendMessage"
            assert message["chat_id"] == "-100200"
    return texts


def test_each_chat_is_told_in_its_form_and_one_of_the_worst_only(chatty: Deployment) -> None:
    chatty.see(0, disk=87)
    chatty.tell()
    texts = said(chatty)
    assert texts.keys() == {"slack", "discord", "teams", "telegram"}
    assert len(set(texts.values())) == 1
    (text,) = set(texts.values())
    assert text.startswith("El disco de la base de datos está lleno al 87 %.")
    assert "Qué hacer:" in text
    assert "https://shop.example/admin/infrastructure" in text
    chatty.see(1, disk=96)
    chatty.tell()
    texts = said(chatty)
    assert texts.keys() == {"slack", "discord", "teams", "telegram", "ntfy"}
    assert "96" in texts["ntfy"]
    assert chatty.waiting() == 0


@pytest.mark.failing_jobs
def test_a_chat_that_is_away_keeps_no_other_waiting_and_is_told_later_once(
    chatty: Deployment,
) -> None:
    chatty.inbox.statuses[:] = [503]
    chatty.see(0, disk=96)
    chatty.tell()
    assert len(said(chatty)) == 5, "the first one saw it, too, and was busy"
    assert chatty.waiting() == 1
    chatty.tell()
    assert len(said(chatty)) == 1
    assert chatty.waiting() == 0
    kept = str([*chatty.raw["jobs"].find(), *chatty.raw["house_notifications"].find()])
    for planted in (TOKEN, f":{chatty.inbox.port}"):
        assert planted not in kept


def test_a_test_reaches_everybody_who_is_told(deployment: Deployment, chatty: Deployment) -> None:
    with pytest.raises(Forbidden):
        chatty.alerts.send_test(operator("blog"))
    assert deployment.alerts.send_test(operator()) == 3
    assert chatty.alerts.send_test(operator()) == 5
    for each in (deployment, chatty):
        each.tell()
    (webhook,) = (each for each in deployment.inbox.all() if each.path.startswith("/purge"))
    assert (webhook.message["type"], webhook.message["data"]) == ("alert.test", {})
    subjects = {str(email["Subject"]) for _, email in deployment.emails()}
    assert subjects == {"[Avenue] Prueba de las alertas"}
    assert deployment.waiting() == 0
    assert deployment.list() == []
