"""Two replica sets, somebody who writes while a site goes from one to the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import WriteConcern

from avenue.app.background import Background
from avenue.identity import new_id
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests.http.application import OTHER_SITE, PRODUCTS, Application, Caller, a_picture
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

TUS = "/api/uploads/tus"
SPEAKS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
MIB = 1024 * 1024


def finish(application: Application, job_id: str) -> dict[str, Any]:
    job = Background(application.settings, application.database).finish(job_id)
    assert job.error is None
    return dict(job.result or {})


def of_site(raw: Any, site_id: str = OTHER_SITE) -> dict[str, int]:
    """How many documents a cluster has of a site."""
    begins = {"$regex": f"^{site_id}/"}
    asked: dict[str, Any] = {name: {"site": site_id} for name in SITE_COLLECTIONS}
    for bucket in BUCKETS:
        asked |= {f"{bucket}.files": {"_id": begins}, f"{bucket}.chunks": {"files_id": begins}}
    found = {name: raw[name].count_documents(query) for name, query in asked.items()}
    return {name: count for name, count in found.items() if count}


@contextmanager
def busy(raw: Any) -> Iterator[None]:
    """Have something of another site written all the time, so that a cluster is never silent."""
    over, quick = threading.Event(), raw["findings"].with_options(write_concern=WriteConcern(w=1))

    def write() -> None:
        while not over.wait(0.005):
            quick.insert_one({"_id": new_id(), "site": "busy"})

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        joined(thread)


class Writer:
    """Makes, changes and deletes products and uploads files, and looks whether a picture is there.

    What was acknowledged is known by its id; a key that was refused is sent again till it is not.
    """

    def __init__(self, caller: Caller, picture: str) -> None:
        self.caller, self.picture = caller, picture
        self.products: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.deleted: set[str] = set()
        self.refused: list[str] = []
        self.title = ""
        page = caller.post("/api/builder/pages", json={"title": "Uno"})
        self.page = page.json["id"]
        self.reads = 0
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._write, self._read)
        ]

    def __enter__(self) -> "Writer":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join(DEADLINE_SECONDS)

    def _sent(self, method: str, url: str, key: str, **options: Any) -> Any:
        """Send a request till it is not told to come again."""
        while True:
            headers = {"Idempotency-Key": key}
            if "files" in options:
                answer = self.caller.upload(url, *options["files"], headers=headers)
            else:
                answer = self.caller.ask(method, url, headers=headers, **options)
            if answer.status_code == 409 and answer.json["code"] == "upload_in_progress":
                continue
            if answer.status_code != 503:
                return answer
            assert int(answer.headers["Retry-After"]) > 0
            self.refused.append(answer.json["code"])

    def _write(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            made = self._sent("POST", PRODUCTS, f"p{number}", json={"name": f"Zapato {number}"})
            product = made.json["id"]
            url = f"{PRODUCTS}/{product}"
            self.products[product] = f"Bota {number}"
            changed = self._sent("PATCH", url, f"c{number}", json={"name": f"Bota {number}"})
            data = a_picture()
            file = self._sent("POST", "/api/uploads", f"f{number}", files=[data])
            self.files[file.json["url"]] = data
            statuses = [made.status_code, changed.status_code, file.status_code]
            page = f"/api/builder/pages/{self.page}"
            revision = self.caller.get(page).json["revision"]
            body = {"title": f"Página {number}", "revision": revision}
            edited = self._sent("PUT", page, f"e{number}", json=body)
            self.title = f"Página {number}"
            statuses.append(edited.status_code)
            if number % 3 == 0:
                statuses.append(self._sent("DELETE", url, f"d{number}").status_code)
                del self.products[product]
                self.deleted.add(product)
            self.wrong += [str(each) for each in statuses if each not in {200, 201, 204, 404}]

    def _read(self) -> None:
        while not self._over.is_set():
            answer = self.caller.get(self.picture)
            self.reads += 1
            if answer.status_code != 200:
                self.wrong.append(answer.text)


def begun(caller: Caller, length: int) -> str:
    """The address of an upload in parts."""
    about = {"Upload-Length": str(length), "Upload-Metadata": "filename aW5mb3JtZS5wZGY="}
    answer = caller.post(TUS, headers={"Tus-Resumable": "1.0.0", **about})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def send(caller: Caller, upload: str, at: int, data: bytes) -> Any:
    return caller.patch(upload, data=data, headers={**SPEAKS, "Upload-Offset": str(at)})
