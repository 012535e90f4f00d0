"""Whatever clients send, in whatever order: an upload stands where a model of it says.

hypothesis draws the requests. Sizes are around the edges of chunks, and requests that took an
upload over, broke off or lied about their bytes come in between.
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from avenue.identity import Actor
from avenue.uploads.tus.errors import UploadTakenOver
from avenue.uploads.tus.models import Part
from avenue.uploads.tus.service import TusService
from avenue.web.errors import BodyCutOff
from tests.http.application import Application, Caller
from tests.http.tus import MIB, a_pdf, begun, end, head, offset_of, send

EDGES = st.sampled_from([0, 1, 65_536, MIB - 1, MIB, MIB + 1, 2 * MIB])
ROUNDS = settings(
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def checksum_of(data: bytes) -> str:
    """What `Upload-Checksum` says of a part."""
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    return f"sha1 {base64.b64encode(digest).decode()}"


class Uploads(RuleBasedStateMachine):
    """One upload, and what must be true of it."""

    application: Application
    caller: Caller

    @initialize(length=st.sampled_from([1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 77]))
    def begin(self, length: int) -> None:
        self.file = a_pdf(length, seed=length)
        self.upload = begun(self.caller, length)
        self.offset = 0

    @property
    def is_open(self) -> bool:
        return self.offset < len(self.file)

    @rule(size=EDGES)
    def send_some(self, size: int) -> None:
        data = self.file[self.offset : self.offset + size]
        answer = send(self.caller, self.upload, self.offset, data)
        self.offset += len(data)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(self.offset))

    @precondition(lambda self: self.is_open)
    @rule(size=EDGES)
    def send_some_with_its_checksum(self, size: int) -> None:
        data = self.file[self.offset : self.offset + size]
        answer = send(self.caller, self.upload, self.offset, data, checksum=checksum_of(data))
        self.offset += len(data)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(self.offset))

    @precondition(lambda self: self.is_open)
    @rule(size=EDGES.filter(bool))
    def send_what_was_changed_on_its_way(self, size: int) -> None:
        data = self.file[self.offset : self.offset + size]
        sent = data[:-1] + bytes([data[-1] ^ 1])
        answer = send(self.caller, self.upload, self.offset, sent, checksum=checksum_of(data))
        assert answer.status_code == 460

    @rule(away=st.sampled_from([-MIB, -1, 1, MIB]))
    def send_elsewhere(self, away: int) -> None:
        if self.offset + away >= 0:
            answer = send(self.caller, self.upload, self.offset + away, b"x")
            assert (answer.status_code, answer.json["offset"]) == (409, self.offset)

    @rule(more=st.integers(1, 3))
    def send_too_much(self, more: int) -> None:
        data = self.file[self.offset :] + bytes(more)
        assert send(self.caller, self.upload, self.offset, data).status_code == 413

    @precondition(lambda self: self.is_open)
    @rule(size=EDGES)
    def break_off(self, size: int) -> None:
        """What came is kept; a part never ends the file unless it was whole."""
        data = self.file[self.offset : self.offset + min(size, len(self.file) - self.offset - 1)]
        with pytest.raises(BodyCutOff):
            self.receive(self.breaking(data))
        self.offset += len(data)

    def breaking(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), 65_536):
            yield data[at : at + 65_536]
        raise BodyCutOff

    @precondition(lambda self: self.is_open)
    @rule(before=EDGES, size=EDGES)
    def take_over(self, before: int, size: int) -> None:
        """While one request is at it, another one comes: that goes on, the first one does not."""
        end = self.offset + min(before, len(self.file) - self.offset - 1)

        def overtaken() -> Iterator[bytes]:
            yield self.file[self.offset : end]
            self.offset = max(self.offset, end // MIB * MIB)  # of which nobody has been told
            self.send_some(size)
            yield bytes(min(2 * MIB, len(self.file) - end))

        with pytest.raises(UploadTakenOver):
            self.receive(overtaken())

    def receive(self, blocks: Iterator[bytes]) -> None:
        app = self.caller.app
        service: TusService = app.extensions["avenue"][TusService]
        with app.app_context():
            service.receive(
                Actor(site=self.caller.site, id=self.caller.id),
                self.upload,
                Part(offset=self.offset, read=lambda _most: blocks),
            )

    @invariant()
    def it_stands_where_the_model_says(self) -> None:
        if not hasattr(self, "upload"):
            return
        assert offset_of(self.caller, self.upload) == self.offset
        known: Any = self.application.raw["tus_uploads"].find_one({"_id": self.upload})
        assert known["is_done"] == (not self.is_open)

    def teardown(self) -> None:
        if not hasattr(self, "upload"):
            return
        while self.is_open:
            self.send_some(2 * MIB)
        moved = self.caller.get(f"/api/uploads/tus/{self.upload}")
        assert self.caller.get(moved.headers["Location"]).data == self.file
        assert head(self.caller, self.upload).status_code == 200
        assert end(self.caller, self.upload).status_code == 204


@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.long)])
def test_an_upload_stands_where_its_model_says(
    application: Application, as_client: Caller, rounds: int
) -> None:
    Uploads.application, Uploads.caller = application, as_client
    run_state_machine_as_test(Uploads, settings=settings(ROUNDS, max_examples=rounds))
