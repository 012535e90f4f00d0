"""One's account, tokens, a forgotten password, and the people of a site, in a browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from avenue.accounts.challenges import Purpose, Try
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Site
from avenue.sealing import Sealing
from avenue.storage.connection import Database
from avenue.storage.rate_limits import COUNTED, RateLimits
from tests.browser.deployment import Visitor, check_accessible, people
from tests.http.application import unique
from tests.mongod import Guard as Watchdog
from tests.server import Server
from tests.smtp import Mailbox, mail_server

NEWER = "staple of another kind"
SECRET = "K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def server(shared_uri: str, guard: Watchdog, mailbox: Mailbox) -> Iterator[Server]:
    """A server that can send emails; nobody else sees its people."""
    people(shared_uri)
    mail = {"AVENUE_SMTP_URL": mailbox.url, "AVENUE_MAIL_FROM": "Avenue <shop@shop.example>"}
    settings = {"AVENUE_JOBS": "inline", "AVENUE_CHALLENGE": "pow", "SECRET_KEY": SECRET, **mail}
    with Server(guard, shared_uri, **settings) as server:
        yield server


def add(page: Page, email: str, role: str = "Ventas", *, by_mail: bool = False) -> str:
    """Add somebody; the password that was shown."""
    page.goto("/admin/people")
    page.get_by_role("link", name="Agregar persona").click()
    page.get_by_label("Correo electrónico").fill(email)
    page.get_by_label("Nombre").fill("Bea Ríos")
    page.get_by_role("radio", name=role).check()
    how = "Por correo" if by_mail else "Con una contraseña"
    page.get_by_role("radio", name=how).check()
    page.get_by_role("button", name="Agregar").click()
    if by_mail:
        expect(page.get_by_role("status").first).to_contain_text("Le enviamos un correo")
        return ""
    return page.get_by_label("Contraseña", exact=True).input_value()


def test_whose_account_was_guessed_at_signs_in_once_the_browser_has_worked_for_it(
    admin: Visitor, server: Server, visit: Any, accessible: Callable[..., None]
) -> None:
    email = f"{unique('bea')}@shop.example"
    made = add(admin.page, email)
    # From elsewhere: what fails from here would be counted for everybody in this module.
    database = Database(Settings(mongodb_uri=server.uri, local=True))
    site = Site(id=DEFAULT_SITE, hosts=(), base_url="http://127.0.0.1", name="Avenue")
    tried = Try(purpose=Purpose.SIGN_IN, site=site, address="198.51.100.9", account=email)
    limits = RateLimits(database, Sealing(SECRET, COUNTED))
    for _ in range(5):
        for key in tried.keys(limits.mark):
            limits.count(key, window_seconds=900)
    database.close()

    bea = visit()
    bea.guard.expect("403")
    page = bea.page
    page.goto("/login")
    page.get_by_label("Correo electrónico").fill(email)
    page.get_by_label("Contraseña").fill(made)
    page.get_by_label("Contraseña").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Hubo varios intentos")
    expect(page.get_by_role("status")).to_contain_text("Verificado")
    accessible(page)
    page.get_by_label("Contraseña").fill(made)
    page.get_by_label("Contraseña").press("Enter")
    expect(page).to_have_url(re.compile("/admin"))


@pytest.mark.long
def test_somebody_is_added_works_and_is_shut_out(
    admin: Visitor, visit: Any, accessible: Callable[..., None]
) -> None:
    page = admin.page
    email = f"{unique('bea')}@shop.example"
    made = add(page, email)
    accessible(page)
    page.get_by_role("link", name="Ya la copié").click()
    bea = visit()
    bea.sign_in(email, made)
    assert bea.page.get_by_role("link", name="Personas").count() == 0
    page.get_by_role("radio", name="Edición").check()
    page.get_by_role("button", name="Guardar el rol").click()
    expect(page.get_by_text("Rol cambiado.")).to_be_visible()
    accessible(page, prepare=lambda: open_all(page))
    page.get_by_role("button", name="Desactivar la cuenta").click()
    expect(page.get_by_text("Desactivada")).to_be_visible()
    bea.page.goto("/admin/account")
    expect(bea.page).to_have_url(re.compile("/login"))
    page.get_by_role("button", name="Activar la cuenta").click()
    expect(page.get_by_text("puede entrar de nuevo")).to_be_visible()
    open_all(page)
    page.get_by_role("button", name="Quitar el rol").click()
    expect(page.get_by_text("ya no está en el sitio")).to_be_visible()
    accessible(page)


def open_all(page: Page) -> None:
    page.wait_for_load_state()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


@pytest.mark.long  # tests/http/test_account_pages follows the same link
def test_who_is_invited_chooses_a_password_and_gets_in(
    admin: Visitor, visit: Any, mailbox: Mailbox
) -> None:
    add(admin.page, "ida@shop.example", by_mail=True)
    recipients, email = mailbox.next_email()
    assert recipients == ["ida@shop.example"]
    ida = visit(java_script_enabled=False)
    ida.page.goto(link_in(email.get_content()))
    choose_password(ida.page)
    ida.sign_in("ida@shop.example", NEWER)


@pytest.mark.long
def test_a_forgotten_password_is_replaced(admin: Visitor, visit: Any, mailbox: Mailbox) -> None:
    add(admin.page, "eva@shop.example")
    eva = visit()
    page = eva.page
    page.goto("/login")
    page.get_by_role("link", name="¿Olvidaste tu contraseña?").click()
    page.get_by_label("Correo").fill("eva@shop.example")
    page.get_by_role("button", name="Enviarme un enlace").click()
    expect(page.get_by_role("status")).to_contain_text("ya está en camino")
    check_accessible(page)
    _, email = mailbox.next_email()
    page.goto(link_in(email.get_content()))
    check_accessible(page)
    choose_password(page)
    eva.sign_in("eva@shop.example", NEWER)
    eva.guard.expect("410")
    page.goto(link_in(email.get_content()))
    expect(page.get_by_role("heading")).to_have_text("Este enlace venció")


def link_in(text: str) -> str:
    found = re.search(r"/login/reset/\S+", text)
    assert found, text
    return found[0]


def choose_password(page: Page) -> None:
    page.get_by_label("Nueva contraseña", exact=True).fill(NEWER)
    page.get_by_label("Repetí la nueva contraseña").fill(NEWER)
    page.get_by_role("button", name="Guardar la contraseña").click()
    expect(page.get_by_role("status")).to_contain_text("Tu nueva contraseña está guardada")


@pytest.mark.long
def test_ones_own_password(admin: Visitor, visit: Any) -> None:
    made = add(admin.page, "dan@shop.example")
    here, elsewhere = visit(), visit()
    for each in (here, elsewhere):
        each.sign_in("dan@shop.example", made, to="/admin/account")
    page = here.page
    check_accessible(page)
    here.guard.expect("422")
    fill_passwords(page, "not the old one")
    expect(page.get_by_text("La contraseña actual no es correcta.")).to_be_visible()
    expect(page.get_by_label("Contraseña actual")).to_be_focused()
    check_accessible(page)
    fill_passwords(page, made)
    expect(page.get_by_text("Contraseña cambiada.")).to_be_visible()
    elsewhere.page.reload()
    expect(elsewhere.page).to_have_url(re.compile("/login"))


def fill_passwords(page: Page, current: str) -> None:
    page.get_by_label("Contraseña actual").fill(current)
    page.get_by_label("Nueva contraseña", exact=True).fill(NEWER)
    page.get_by_label("Repetí la nueva contraseña").fill(NEWER)
    page.get_by_role("button", name="Cambiar la contraseña").click()


@pytest.mark.long
def test_a_token_is_made_copied_and_revoked(visit: Any, signed_in: Any) -> None:
    admin = visit(storage_state=signed_in, permissions=["clipboard-read", "clipboard-write"])
    page = admin.page
    page.goto("/admin/account")
    page.get_by_role("link", name="Ver tus tokens").click()
    page.get_by_label("¿Para qué es?").fill("ERP")
    page.get_by_role("checkbox", name="Escribir").check()
    page.get_by_role("button", name="Crear token").click()
    secret = page.get_by_label("Token", exact=True).input_value()
    assert re.fullmatch(r"av_[\w-]{43}", secret)
    page.get_by_role("button", name="Copiar").click()
    expect(page.get_by_role("button", name="Copiado.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    check_accessible(page)
    page.goto("/admin/account/tokens")
    assert secret not in page.content()
    page.get_by_role("button", name="Anular").click()
    expect(page.get_by_text("Token anulado.")).to_be_visible()
    expect(page.get_by_text("Todavía no tenés tokens.")).to_be_visible()
    assert secret not in page.url


@pytest.mark.long
def test_all_of_it_works_without_javascript(visit: Any, signed_in: Any) -> None:
    admin = visit(storage_state=signed_in, java_script_enabled=False)
    page = admin.page
    made = add(page, "gil@shop.example", "Operaciones")
    assert re.fullmatch(r"[\w-]{20}", made)
    assert not page.get_by_role("button", name="Copiar").is_visible()
    page.goto("/admin/people?search=GIL@")
    page.get_by_role("link", name="gil@shop.example").click()
    page.get_by_text("Crear una contraseña nueva").first.click()
    page.get_by_role("button", name="Crear una contraseña nueva").click()
    assert page.get_by_label("Contraseña", exact=True).input_value() != made
    page.goto("/admin/account/tokens")
    page.get_by_label("¿Para qué es?").fill("App")
    page.get_by_role("checkbox", name="Leer").uncheck()
    admin.guard.expect("422")
    page.get_by_role("button", name="Crear token").click()
    expect(page.get_by_text("Elegí al menos un permiso.")).to_be_visible()
    expect(page.get_by_label("¿Para qué es?")).to_have_value("App")
