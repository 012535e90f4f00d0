"""How a person works with each client: puts files in, sees pictures, reads what is said."""

import base64
from collections.abc import Sequence
from typing import ClassVar

from playwright.sync_api import Dialog, FilePayload, Locator, Page, expect

from tests.waiting import wait_until

DROPPED = """(target, files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, data } of files) {
        const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name, { type }));
    }
    const { x, y } = target.getBoundingClientRect();
    const where = { clientX: x + 5, clientY: y + 5 };
    for (const kind of ["dragenter", "dragover", "drop"]) {
        const event = { bubbles: true, cancelable: true, dataTransfer, ...where };
        target.dispatchEvent(new DragEvent(kind, event));
    }
}"""
EMPTY_POND = "async () => (await import(`${location.href}app.js`)).pond.removeFiles()"
SOURCES = "(all) => all.map((each) => each.src)"


def drop(target: Locator, files: Sequence[FilePayload]) -> None:
    """Drop files from the desktop."""
    sent = [
        {
            "name": each["name"],
            "type": each["mimeType"],
            "data": base64.b64encode(each["buffer"]).decode(),
        }
        for each in files
    ]
    target.evaluate(DROPPED, sent)


class Desk:
    """A client as a person has it before them, on the page of `sample`.

    `at_home`: the page is of Avenue's own origin, and the cookie says who asks.
    """

    sample: ClassVar[str]
    at_home: ClassVar[bool] = False
    tries_again: ClassVar[bool] = False
    """By itself, when there was no room for a moment."""
    waits: ClassVar[bool] = False
    """As long as `Retry-After` says."""
    seen: ClassVar[str] = "img"
    """Where its pictures are."""

    def __init__(self, page: Page, avenue: str) -> None:
        self.page, self.avenue = page, avenue
        self.alerts: list[str] = []
        page.on("dialog", self._hear)

    def _hear(self, dialog: Dialog) -> None:
        self.alerts.append(dialog.message)
        dialog.accept()

    def bring(self, *files: FilePayload) -> None:
        """Choose files."""
        self.page.set_input_files("input[type=file]", files)

    def pictures(self) -> list[str]:
        """The addresses of the pictures that are to be seen."""
        found: list[str] = self.page.locator(self.seen).evaluate_all(SOURCES)
        return [each for each in found if each.startswith("http")]

    def reason(self, status: int, sentence: str) -> str:
        """What the person is told of a refusal: by default the sentence of the server."""
        return sentence

    def reads(self, text: str) -> None:
        """Return when `text` is to be read."""
        expect(self.page.get_by_text(text).last).to_be_visible()

    def clear(self) -> None:
        """Take away what is left of pictures that were refused."""


class GrapesJS(Desk):
    sample = "grapesjs"

    def bring(self, *files: FilePayload) -> None:
        chooser = self.page.locator("#gjs-am-uploadFile")
        if not chooser.is_visible():
            self.page.frame_locator(".gjs-frame").locator("img").dblclick()
        chooser.set_input_files(files)

    def pictures(self) -> list[str]:
        found = self.page.locator(".gjs-am-preview").evaluate_all(
            "(all) => all.map((each) => getComputedStyle(each).backgroundImage)"
        )
        return [each.removeprefix('url("').removesuffix('")') for each in found]


class EditorJS(Desk):
    sample = "editorjs"
    seen = ".image-tool__image-picture"

    def bring(self, *files: FilePayload) -> None:
        drop(self.page.locator(".codex-editor__redactor"), files)


class CKEditor(Desk):
    sample = "ckeditor"
    seen = ".ck-content img"

    def bring(self, *files: FilePayload) -> None:
        # Or the next picture takes the place of the one that is still marked.
        self.page.locator(".ck-content").press("Enter")
        self.page.set_input_files(".ck-toolbar input[type=file]", files)

    def reads(self, text: str) -> None:
        wait_until(lambda: self.page.evaluate("true") and text in self.alerts, text)


class TinyMCE(Desk):
    sample = "tinymce"
    at_home = True

    def bring(self, *files: FilePayload) -> None:
        drop(self._text, files)

    def pictures(self) -> list[str]:
        found: list[str] = self._text.locator("img").evaluate_all(SOURCES)
        return [each for each in found if each.startswith("http")]

    def reason(self, status: int, sentence: str) -> str:
        return f"HTTP Error: {status}"

    def clear(self) -> None:
        self._text.press("Control+A")
        self._text.press("Delete")

    @property
    def _text(self) -> Locator:
        return self.page.frame_locator(".tox-edit-area__iframe").locator("body")


class TinyMCEWithHandler(TinyMCE):
    sample = "tinymce-2"
    at_home = False

    def reason(self, status: int, sentence: str) -> str:
        return sentence


class Uppy(Desk):
    sample = "uppy"
    tries_again = True

    def bring(self, *files: FilePayload) -> None:
        more = self.page.locator(".uppy-DashboardContent-addMore")
        if more.is_visible():
            more.click()
        self.page.locator(".uppy-Dashboard-input").first.set_input_files(files)

    def pictures(self) -> list[str]:
        found: list[str] = self.page.locator(".uppy-Dashboard-Item-previewLink").evaluate_all(
            "(all) => all.map((each) => each.href)"
        )
        return found

    def clear(self) -> None:
        # Uppy sends what was refused again with the next file.
        while (left := self.page.locator(".uppy-Dashboard-Item.is-error")).count():
            left.first.locator(".uppy-Dashboard-Item-action--remove").click()


class Dropzone(Desk):
    sample = "dropzone"
    seen = ".dz-success img"

    def bring(self, *files: FilePayload) -> None:
        self.page.set_input_files(".dz-hidden-input", files)

    def reads(self, text: str) -> None:
        refused = self.page.locator(".dz-error").last
        refused.hover()
        expect(refused.get_by_text(text)).to_be_visible()


class FilePond(Desk):
    sample = "filepond"

    def bring(self, *files: FilePayload) -> None:
        self.page.set_input_files(".filepond--browser", files)

    def pictures(self) -> list[str]:
        ids = self.page.locator("input[type=hidden][name=pictures]").evaluate_all(
            "(all) => all.map((each) => each.value).filter(Boolean)"
        )
        return [f"{self.avenue}/media/{each}/original" for each in ids]

    def clear(self) -> None:
        # Each file that is shown slows the next one down.
        self.page.evaluate(EMPTY_POND)
        expect(self.page.locator("input[type=hidden][name=pictures]")).to_have_count(0)


class Quill(Desk):
    sample = "quill"
    seen = ".ql-editor img"

    def bring(self, *files: FilePayload) -> None:
        drop(self.page.locator(".ql-editor"), files)


class ReactWithAxios(Desk):
    sample = "react"


class Fetch(Desk):
    sample = "react-2"
    tries_again = True
    waits = True


DESKS: Sequence[type[Desk]] = (
    GrapesJS,
    EditorJS,
    CKEditor,
    TinyMCE,
    TinyMCEWithHandler,
    Uppy,
    Dropzone,
    FilePond,
    Quill,
    ReactWithAxios,
    Fetch,
)
