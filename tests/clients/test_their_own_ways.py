"""What only one of the clients does."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from tests.clients.deployment import NO_PICTURE, THEIR_BROWSER, Deployment, a_file
from tests.clients.desks import (
    EMPTY_POND,
    CKEditor,
    Dropzone,
    EditorJS,
    GrapesJS,
    Quill,
    Uppy,
)
from tests.http.application import a_picture, unique
from tests.http.tus import MIB, a_pdf
from tests.waiting import wait_until

Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, deployment: Deployment) -> Iterator[Open]:
    """Opens the page of a sample."""
    context = browser.new_context(**THEIR_BROWSER)

    def open_page(sample: str, *, at_home: bool = False) -> Page:
        if at_home:
            deployment.sign_in(context)
        page = context.new_page()
        deployment.open(page, sample, at_home=at_home)
        return page

    yield open_page
    context.close()


def uploads_of(page: Page, deployment: Deployment) -> list[str]:
    """The methods of what `page` sends to Avenue from now on, as they come."""
    sent: list[str] = []

    def note(request: Any) -> None:
        if request.url.startswith(f"{deployment.url}/api/") and request.method != "OPTIONS":
            sent.append(request.method)

    page.on("request", note)
    return sent


@pytest.mark.long
def test_what_is_chosen_in_grapesjs_stands_in_the_page(
    opened: Open, deployment: Deployment
) -> None:
    desk = GrapesJS(opened("grapesjs"), deployment.url)
    desk.bring(a_file())
    desk.page.locator(".gjs-am-preview").first.click()
    shown = desk.page.frame_locator(".gjs-frame").locator("img")
    expect(shown).to_have_attribute("src", desk.pictures()[0])


@pytest.mark.parametrize("kind", [Quill, pytest.param(Dropzone, marks=pytest.mark.long)])
def test_pages_of_avenues_own_origin_need_no_token(
    opened: Open, deployment: Deployment, kind: type[Quill | Dropzone]
) -> None:
    desk = kind(opened(kind.sample, at_home=True), deployment.url)
    desk.bring(a_file())
    wait_until(desk.pictures, "a picture", every=0.1)


def a_heic(behind: bytes = b"") -> FilePayload:
    """A picture that Chromium cannot draw."""
    data = a_picture(format="HEIF") + behind
    return {"name": f"{unique('foto')}.heic", "mimeType": "image/heic", "buffer": data}


@pytest.mark.parametrize("make", [a_heic, pytest.param(a_file, marks=pytest.mark.long)])
def test_dropzone_shows_what_is_stored_whatever_the_browser_draws(
    opened: Open, deployment: Deployment, make: Callable[[], FilePayload]
) -> None:
    desk = Dropzone(opened("dropzone"), deployment.url)
    desk.page.evaluate(DRAWN_LATE)
    desk.bring(make())
    wait_until(desk.pictures, "a picture", every=0.1)
    desk.page.evaluate("drawNow()")
    (address,) = desk.pictures()
    assert deployment.newest()["_id"] in address
    expect(desk.page.locator(".dz-error")).to_have_count(0)


@pytest.mark.long
def test_dropzone_says_why_a_picture_is_refused_that_the_browser_cannot_draw(
    opened: Open, deployment: Deployment
) -> None:
    desk = Dropzone(opened("dropzone"), deployment.url)
    desk.page.evaluate(DRAWN_LATE)
    with desk.page.expect_response(lambda each: each.status == 413) as refused:
        desk.bring(a_heic(bytes(MIB)))
    desk.reads(refused.value.json()["message"])
    desk.page.evaluate("drawNow()")
    desk.reads(refused.value.json()["message"])


def test_ckeditor_writes_a_srcset_of_addresses_that_are_there(
    opened: Open, deployment: Deployment
) -> None:
    desk = CKEditor(opened("ckeditor"), deployment.url)
    desk.bring(a_file(a_picture(), "ancha.jpg"))
    wait_until(desk.pictures, "a picture", every=0.1)
    sources = desk.page.locator(CKEditor.seen).get_attribute("srcset")
    assert sources
    for each in sources.split(", "):
        address, width = each.split(" ")
        answer = desk.page.request.get(address)
        assert (answer.status, width) == (200, "64w")


@pytest.mark.long
def test_editorjs_keeps_what_avenue_says_of_a_file(opened: Open, deployment: Deployment) -> None:
    page = opened("editorjs")
    EditorJS(page, deployment.url).bring(a_file())
    wait_until(lambda: page.locator(EditorJS.seen).count(), "a picture", every=0.1)
    expect(page.locator(EditorJS.seen)).to_have_attribute("src", deployment.url_of_newest())


def hindrances(
    deployment: Deployment,
) -> list[tuple[int, FilePayload, AbstractContextManager[None]]]:
    """What may befall who brings any file: the status, the file, and as long as what lasts."""
    good = a_file(a_pdf(3000), "factura.pdf")
    return [
        (413, a_file(a_pdf(2 * MIB), "enorme.pdf"), nullcontext()),
        (401, good, deployment.signed_out()),
        (429, good, deployment.busy()),
        (503, good, deployment.out_of_room()),
    ]


@pytest.mark.long
def test_editorjs_attaches_any_file_and_says_what_hinders_it(
    opened: Open, deployment: Deployment
) -> None:
    page = opened("editorjs")
    page.locator(".ce-paragraph").click()
    page.keyboard.press("/")
    button = page.locator(".ce-popover-item", has_text="Attachment")
    for status, file, lasting in hindrances(deployment):
        with lasting, page.expect_response(lambda each, status=status: each.status == status) as no:
            choose(button, file)
        expect(page.get_by_text(no.value.json()["message"]).last).to_be_visible()
        button = page.locator(".cdx-attaches__button")
    choose(button, a_file(a_pdf(3000), "factura.pdf"))
    expect(page.locator(".cdx-attaches__title")).to_have_text("factura.pdf")
    expect(page.locator(".cdx-attaches__file-icon-label")).to_have_text("pdf")


def choose(button: Locator, file: FilePayload) -> None:
    with button.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(file)


def test_editorjs_takes_a_pasted_address_into_the_library(
    opened: Open, deployment: Deployment
) -> None:
    page = opened("editorjs")
    asked: list[Any] = []

    def answer(route: Route) -> None:
        """What Avenue answers once it has fetched the picture: a test has no Internet."""
        asked.append(route.request.post_data_json)
        headers = {"Authorization": f"Bearer {deployment.token}"}
        multipart = {"image": a_file()}
        stored = page.request.post(route.request.url, headers=headers, multipart=multipart)
        route.fulfill(response=stored, headers={"Access-Control-Allow-Origin": "*"})

    page.route(f"{deployment.url}/api/builder/media", answer)
    paste(page, "https://images.example.com/foto.jpg")
    wait_until(lambda: page.locator(EditorJS.seen).count(), "a picture", every=0.1)
    expect(page.locator(EditorJS.seen)).to_have_attribute("src", deployment.url_of_newest())
    assert asked == [{"url": "https://images.example.com/foto.jpg"}]


@pytest.mark.long
def test_editorjs_says_that_an_address_is_not_fetched(opened: Open) -> None:
    page = opened("editorjs")
    paste(page, "http://10.0.0.1/foto.jpg")
    expect(
        page.get_by_text("La dirección no lleva a ningún lugar de la internet pública.")
    ).to_be_visible()


def paste(page: Page, text: str) -> None:
    page.locator(".ce-paragraph").last.click()
    page.evaluate(PASTED, text)


@pytest.mark.long
def test_uppy_asks_once_for_what_is_refused(opened: Open, deployment: Deployment) -> None:
    desk = Uppy(opened("uppy"), deployment.url)
    sent = uploads_of(desk.page, deployment)
    desk.bring(a_file(NO_PICTURE))
    desk.reads(deployment.why_no_picture())
    assert sent == ["POST"]


def test_uppy_sends_large_files_in_parts(opened: Open, deployment: Deployment) -> None:
    page = opened("uppy-2")
    page.locator(".uppy-Dashboard-input").first.set_input_files(a_file(a_pdf(2 * MIB), "acta.pdf"))
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    assert (deployment.newest()["name"], deployment.newest()["category"]) == ("acta.pdf", "general")


class Pond:
    """FilePond at `/api/uploads/filepond`."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def bring(self, data: bytes, name: str) -> None:
        file = a_file(data, name)
        self.page.set_input_files(".filepond--browser", file)

    def says(self, text: str) -> None:
        expect(self.page.locator(".filepond--file-status-main")).to_have_text(text)


def test_filepond_takes_back_what_was_undone(opened: Open, deployment: Deployment) -> None:
    pond = Pond(opened("filepond-2"))
    pond.bring(a_pdf(3000), "recibo.pdf")
    pond.says("Upload complete")
    file = pond.page.locator("input[type=hidden][name=files]").input_value()
    assert deployment.newest()["_id"] == file
    pond.page.locator(".filepond--action-revert-item-processing").click()
    expect(pond.page.locator("input[type=hidden][name=files]")).to_have_count(0)
    assert deployment.state_of(file) == "trash"


@pytest.mark.long
def test_filepond_goes_on_where_the_line_broke(opened: Open, deployment: Deployment) -> None:
    pond = Pond(opened("filepond-2"))
    sent: list[int] = []

    def break_second(route: Route) -> None:
        sent.append(int(route.request.headers.get("upload-offset", -1)))
        if sent.count(4 * MIB) == 1 and sent[-1] == 4 * MIB:
            route.abort()
        else:
            route.continue_()

    pond.page.route("**/filepond?patch=*", break_second)
    data = a_pdf(4 * MIB + 3000)
    pond.bring(data, "año 1.pdf")
    pond.says("Upload complete")
    assert sent == [0, 4 * MIB, 4 * MIB]
    newest = deployment.newest()
    assert newest["name"] == "año 1.pdf"
    assert deployment.client.get(f"/api/uploads/filepond?load={newest['_id']}").body == data


@pytest.mark.long
def test_filepond_says_what_hinders_any_file_and_takes_it_then(
    opened: Open, deployment: Deployment
) -> None:
    pond = Pond(opened("filepond-2"))
    for status, file, lasting in hindrances(deployment):
        refused = pond.page.expect_response(lambda each, status=status: each.status == status)
        with lasting, refused as no:
            pond.page.set_input_files(".filepond--browser", file)
        pond.says(no.value.json()["message"])
        pond.page.evaluate(EMPTY_POND)
        expect(pond.page.locator(".filepond--item")).to_have_count(0)
    pond.bring(a_pdf(3000), "factura.pdf")
    pond.says("Upload complete")


@pytest.mark.long  # it asks three times more before it says so
def test_filepond_says_why_a_large_file_is_refused(opened: Open) -> None:
    pond = Pond(opened("filepond-2"))
    with pond.page.expect_response(lambda each: each.status == 422) as refused:
        pond.bring(a_picture()[:500] + bytes(4 * MIB), "rota.jpg")
    pond.says(refused.value.json()["message"])


@pytest.mark.parametrize("sample", ["filepond", pytest.param("filepond-2", marks=pytest.mark.long)])
def test_filepond_shows_files_that_are_there(
    opened: Open, deployment: Deployment, sample: str
) -> None:
    media = "/api/builder/media" if sample == "filepond" else "/api/uploads"
    kept = deployment.client.request("POST", f"{media}?name=vieja.jpg", a_picture()).json["id"]
    page = opened(sample)
    page.evaluate(ADD_KEPT, kept)
    expect(page.locator(".filepond--file-info-main")).to_have_text("vieja.jpg")


ADD_KEPT = """async (id) => {
    const { pond } = await import(`${location.href}app.js`);
    await pond.addFile(id, { type: "local" });
}"""
DRAWN_LATE = """() => {
    // Pictures are read, to be drawn, when the test says so: a browser that has much to do.
    const read = FileReader.prototype.readAsDataURL;
    const waiting = [];
    FileReader.prototype.readAsDataURL = function (file) {
        waiting.push([this, file]);
    };
    const ended = (one, ...events) =>
        new Promise((done) => events.forEach((each) => one.addEventListener(each, done)));
    window.drawNow = async () => {
        for (const [reader, file] of waiting) {
            read.call(reader, file);
            await ended(reader, "loadend");
            const picture = new Image();
            picture.src = reader.result;
            await ended(picture, "load", "error");
        }
    };
}"""
PASTED = """(text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    const event = { bubbles: true, cancelable: true, clipboardData };
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", event));
}"""
