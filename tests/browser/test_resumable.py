"""A page of another origin sends a large file with tus-js-client and a token."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.mongod import Guard
from tests.server import ROOT, Server, prepare

SCRIPT = ROOT / "node_modules" / "tus-js-client" / "dist" / "tus.min.js"
HEAD = b"%PDF-1.7\n"
SIZE = 3 * 1024 * 1024 + 7
# Sends half of a file, forgets it as a closed page does, finds it again and sends the rest.
RESUME = """
async ([endpoint, token, head, size]) => {
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(head));
  const file = new File([bytes], "año.pdf", { type: "application/pdf", lastModified: 1 });
  const options = {
    endpoint, chunkSize: 1000000, headers: { Authorization: `Bearer ${token}` },
    metadata: { filename: file.name, filetype: file.type },
  };
  await new Promise((done, fail) => {
    const first = new tus.Upload(file, {
      ...options, onError: fail, onChunkComplete: () => first.abort().then(done),
    });
    first.start();
  });
  const before = await new tus.Upload(file, options).findPreviousUploads();
  let offset = null;
  const second = await new Promise((done, fail) => {
    const upload = new tus.Upload(file, {
      ...options, onError: fail, onSuccess: () => done(upload),
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD") offset = response.getHeader("Upload-Offset");
      },
    });
    upload.resumeFromPreviousUpload(before[0]);
    upload.start();
  });
  return { url: second.url, offset: Number(offset), before: before.length };
}
"""


@pytest.fixture
def server(migrated_uri: str, guard: Guard, elsewhere: str) -> Iterator[Server]:
    prepare(migrated_uri)
    with Server(guard, migrated_uri, AVENUE_CORS_ORIGINS=elsewhere) as running:
        yield running


def test_an_upload_goes_on_where_it_was(browser: Browser, server: Server, elsewhere: str) -> None:
    context = browser.new_context()
    seller = server.seller()
    page: Page = context.new_page()
    page.goto(elsewhere)
    page.add_script_tag(path=SCRIPT)
    endpoint = f"http://127.0.0.1:{server.port}/api/uploads/tus"
    told: Any = page.evaluate(RESUME, [endpoint, seller.token, HEAD.decode(), SIZE])
    context.close()
    assert told["before"] == 1
    assert 1_000_000 <= told["offset"] < SIZE
    upload = seller.get(f"/api/uploads/{told['url'].rpartition('/')[2]}").json
    assert (upload["name"], upload["bytes"]) == ("año.pdf", SIZE)
