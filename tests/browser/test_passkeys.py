"""A passkey, in a browser that has an authenticator of its own."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.deployment import ADMIN, PASSWORD
from tests.server import Server

SENSOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PAGE = "/admin/account/second-factor"


def test_a_passkey_is_added_and_signs_in_alone_or_after_the_password(
    visit: Any, server: Server, accessible: Callable[..., None]
) -> None:
    here = f"http://localhost:{server.port}"  # an address that is a number has no passkeys
    visitor = visit(base_url=here)
    visitor.guard.own = f"{here}/"
    page = visitor.page
    devices = visitor.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": SENSOR})

    visitor.sign_in(to=PAGE)
    add = page.locator("form[data-passkey]")
    add.get_by_label("Nombre de la llave de acceso").fill("Mi teléfono")
    add.get_by_label("Contraseña").fill(PASSWORD)
    add.get_by_role("button").click()
    codes = page.get_by_label("Códigos de recuperación")
    expect(codes).to_have_value(re.compile(r"^([a-z2-7]{4}-){3}"))
    accessible(page)
    page.get_by_role("link", name="Ya los guardé").click()
    expect(page).to_have_url(f"{here}/admin")

    sign_out(page)
    accessible(page)
    page.get_by_role("button", name="Iniciar sesión con una llave de acceso").click()
    expect(page).to_have_url(f"{here}/admin")

    sign_out(page)
    page.get_by_label("Correo electrónico").fill(ADMIN)
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Iniciar sesión", exact=True).click()
    expect(page).to_have_url(f"{here}/login/second-factor")
    accessible(page)
    page.get_by_role("button", name="Usar una llave de acceso").click()
    expect(page).to_have_url(f"{here}/admin")

    page.goto(PAGE)
    expect(page.get_by_role("heading", name="Mi teléfono")).to_be_visible()
    page.wait_for_load_state()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    accessible(page)
    remove = page.locator("form[action$='/remove']").first
    remove.get_by_label("Contraseña").fill(PASSWORD)
    remove.get_by_role("button").click()
    expect(page.get_by_role("status").first).to_contain_text("Segundo factor desactivado")
    sign_out(page)
    visitor.guard.expect("401")
    page.get_by_role("button", name="Iniciar sesión con una llave de acceso").click()
    expect(page.get_by_role("alert")).to_contain_text("no es válida aquí")


def sign_out(page: Page) -> None:
    page.goto("/login")
    page.get_by_role("button", name="Cerrar sesión").click()
    expect(page.get_by_label("Correo electrónico")).to_be_visible()  # at the same address
