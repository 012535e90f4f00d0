"""What people see who upload with each client, set up as docs/clients says."""

from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser, FilePayload

from tests.clients.deployment import NO_PICTURE, THEIR_BROWSER, Deployment, a_file
from tests.clients.desks import (
    DESKS,
    CKEditor,
    Desk,
    EditorJS,
    Fetch,
    FilePond,
    GrapesJS,
    TinyMCE,
    Uppy,
)
from tests.http.application import a_picture
from tests.waiting import wait_until

TOO_LARGE = bytes(1024 * 1024)
OF_THEIR_OWN = (GrapesJS, EditorJS, CKEditor, TinyMCE)
"""Each wants an answer of another shape.

One bad file among good ones shows in the short rounds what each does with one, with several and
with one that is refused. FilePond draws all the time while it has files, and sends each of several
as if it were alone.
"""
LOADED = """async (address) => {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    return picture.naturalWidth;
}"""


class Seat:
    """A person at a desk."""

    def __init__(self, deployment: Deployment, desk: Desk) -> None:
        self.deployment, self.desk, self.page = deployment, desk, desk.page

    def brings(self, *files: FilePayload) -> list[str]:
        """Bring files and see as many pictures more; return their addresses."""
        before = self.desk.pictures()
        self.desk.bring(*files)
        return self.sees(len(files), before)

    def sees(self, count: int, before: list[str]) -> list[str]:
        def more() -> list[str]:
            return [each for each in self.desk.pictures() if each not in before]

        wait_until(lambda: len(more()) == count, f"{count} pictures", every=0.1)
        return more()

    def is_refused(self, file: FilePayload, status: int) -> None:
        """Bring a file that is refused, and read why; no picture is there for it."""
        before, stored = self.desk.pictures(), self.deployment.count()
        with self.page.expect_response(lambda each: each.status == status) as answer:
            self.desk.bring(file)
        said = answer.value.json()["message"]
        self.desk.reads(self.desk.reason(status, said))
        assert self.desk.pictures() == before
        assert self.deployment.count() == stored
        self.desk.clear()


@pytest.fixture(scope="module")
def seat(
    request: pytest.FixtureRequest, browser: Browser, deployment: Deployment
) -> Iterator[Seat]:
    kind = request.param
    context = browser.new_context(**THEIR_BROWSER)
    if kind.at_home:
        deployment.sign_in(context)
    page = context.new_page()
    deployment.open(page, kind.sample, at_home=kind.at_home)
    yield Seat(deployment, kind(page, deployment.url))
    context.close()


def each_of(desks: Sequence[type[Desk]]) -> pytest.MarkDecorator:
    """A test for everybody: in the short rounds at `desks` only."""
    everybody = [
        pytest.param(desk, id=desk.__name__, marks=() if desk in desks else pytest.mark.long)
        for desk in DESKS
    ]
    return pytest.mark.parametrize("seat", everybody, indirect=True)


@each_of([FilePond])
def test_a_picture_is_shown_from_where_it_is_kept(seat: Seat) -> None:
    (address,) = seat.brings(a_file())
    assert seat.deployment.newest()["_id"] in address
    assert seat.page.evaluate(LOADED, address)


@each_of([])
def test_several_come_at_once(seat: Seat) -> None:
    addresses = seat.brings(a_file(), a_file(), a_file())
    assert len(set(addresses)) == 3


@each_of([])
def test_one_that_is_too_large_is_refused_with_the_reason(seat: Seat) -> None:
    seat.is_refused(a_file(a_picture() + TOO_LARGE), 413)


@each_of([FilePond])
def test_what_is_no_picture_is_refused_with_the_reason(seat: Seat) -> None:
    seat.is_refused(a_file(NO_PICTURE), 415)


@each_of(OF_THEIR_OWN)
def test_of_several_the_bad_one_alone_is_refused(seat: Seat) -> None:
    before = seat.desk.pictures()
    seat.desk.bring(a_file(), a_file(NO_PICTURE), a_file())
    addresses = seat.sees(2, before)
    assert len(set(addresses)) == 2
    for address in addresses:
        assert seat.page.evaluate(LOADED, address)
    seat.desk.reads(seat.desk.reason(415, seat.deployment.why_no_picture()))
    seat.desk.clear()


@each_of([TinyMCE])  # whose page has a cookie
def test_who_is_signed_out_is_told_so(seat: Seat) -> None:
    with seat.deployment.signed_out():
        seat.is_refused(a_file(), 401)
    if seat.desk.at_home:
        seat.deployment.sign_in(seat.page.context)
    assert seat.brings(a_file())


@each_of([Fetch])  # which waits as long as it is told to
def test_who_brings_too_much_is_told_to_wait(seat: Seat) -> None:
    if seat.desk.waits:
        before = seat.desk.pictures()
        with seat.deployment.busy(seconds=1):
            seat.desk.bring(a_file())
            assert seat.sees(1, before)
        return
    with seat.deployment.busy():
        seat.is_refused(a_file(), 429)
    assert seat.brings(a_file())


@each_of([Uppy])  # which tries again by itself
def test_what_found_no_room_for_a_moment_is_there_at_the_second_try(seat: Seat) -> None:
    if seat.desk.tries_again:
        before = seat.desk.pictures()
        with seat.deployment.out_of_room_once(seat.page) as statuses:
            seat.desk.bring(a_file())
            assert seat.sees(1, before)
        assert statuses[0] == 503
        return
    with seat.deployment.out_of_room():
        seat.is_refused(a_file(), 503)
    assert seat.brings(a_file())
