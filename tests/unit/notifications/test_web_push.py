"""Web Push: the example of RFC 8291, and what a browser and its push service read of ours."""

from cryptography.hazmat.primitives.asymmetric import ec

from avenue.notifications.web_push import (
    CURVE,
    Subscription,
    VapidKey,
    decoded,
    encoded,
    encrypted,
    is_subscription,
)
from tests.push import Browser, claims

ENDPOINT = "https://push.example.net:8443/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"


def test_the_example_of_rfc_8291_comes_out() -> None:
    subscription = Subscription(
        endpoint=ENDPOINT,
        key=decoded(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth=decoded("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    number = int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    message = encrypted(
        b"When I grow up, I want to be a watermelon",
        subscription,
        ec.derive_private_key(number, CURVE),
        decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encoded(message) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
        "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
        "lcy4a-fN"
    )


def test_a_browser_reads_what_is_pushed_and_its_service_who_sends() -> None:
    browser = Browser(ENDPOINT)
    key = VapidKey("k" * 40, "mailto:ops@shop.example")
    pushed = key.pushed(browser.subscription, "¡Atención!".encode(), now=lambda: 1_000_000.5)
    assert browser.opened(pushed.body).decode() == "¡Atención!"
    assert claims(pushed.headers["Authorization"], key.public) == {
        "aud": "https://push.example.net:8443",
        "exp": 1_043_200,
        "sub": "mailto:ops@shop.example",
    }
    assert VapidKey("k" * 40, "").public == key.public
    assert VapidKey("l" * 40, "").public != key.public


def test_what_is_no_subscription_is_told() -> None:
    known = Browser(ENDPOINT)
    assert is_subscription(known.key, known.auth)
    for key, auth in (
        (b"", known.auth),
        (known.key[:-1], known.auth),
        (known.key[:1] + b"\xff" * 64, known.auth),
        (known.key, b"short"),
    ):
        assert not is_subscription(key, auth)
    assert decoded("not base64!") == b""
