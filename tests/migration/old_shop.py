"""An application from before Avenue: its upload folder, and the records that name its files."""

import hashlib
import os
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avenue.clock import utc_now
from avenue.media.old_urls import legacy_path
from avenue.storage.connection import Document
from tests import pictures

EXTERNAL = "https://cdn.example/elsewhere.jpg"
LOST = "http://localhost:8000/uploads/2019/gone.jpg"
REFS = 5

FOREIGN = (
    "camión {}.jpg",
    unicodedata.normalize("NFD", "niño {}.jpg"),
    "日本/{}.webp",
    "50% {}.jpg",
    "a#b?c{}.jpg",
    'comi"lla & {}.png',
)
RUBBISH = (
    pictures.text_as_jpg,
    pictures.html,
    pictures.gif,
    pictures.svg,
    bytes,
    lambda: pictures.truncated(pictures.photo(64, 48, noise=False)),
)
PASSED_OVER = (".DS_Store", "2019/Thumbs.db", ".gitkeep", "2020/._foto.jpg")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def path_of(name: bytes) -> str:
    """The normal address a file of the folder had."""
    path = legacy_path("/uploads/" + quote(name))
    assert path is not None
    return path


def address(name: bytes, style: int) -> str:
    """One of the ways in which old records name a file."""
    encoded = quote(name)
    plain = name.decode("utf-8", "replace")
    if any(each in plain for each in "#?%\ufffd"):
        plain = encoded
    return (
        f"/uploads/{plain}",
        f"uploads/{plain}",
        f"http://localhost:8000/uploads/{encoded}",
        f"http://127.0.0.1:5000//uploads/./{encoded}?v=3",
        f"http://backend:8000/uploads/{encoded}",
    )[style % 5]


@dataclass
class OldShop:
    """`good` and `bad` files by their raw name; owners by kind and id, with what they name."""

    good: dict[bytes, bytes] = field(default_factory=dict)
    bad: dict[bytes, bytes] = field(default_factory=dict)
    owners: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    page: Document = field(default_factory=dict)

    @classmethod
    def of(cls, count: int) -> "OldShop":
        """A shop of `count` files: most are pictures, some twice, broken or oddly named."""
        shop = cls()
        for number in range(count):
            shop._add(number)
        shop._add_owners()
        shop._add_page()
        return shop

    def _add(self, number: int) -> None:
        kind = number % 10
        if kind == 3:
            data = RUBBISH[number // 10 % len(RUBBISH)]()
            self.bad[b"2020/broken %d.jpg" % number] = data
        elif kind == 5:
            self.good[b"copies/%d.jpg" % number] = list(self.good.values())[number // 2]
        elif kind == 7:
            name = FOREIGN[number // 10 % len(FOREIGN)].format(number)
            self.good[name.encode()] = self._picture(number, name)
        elif kind == 9:
            self.good[b"caf\xe9 %d.jpg" % number] = self._picture(number, ".jpg")  # Latin-1
        else:
            name = f"{2018 + number % 4}/{number // 40}/foto{number}.jpg"
            self.good[name.encode()] = self._picture(number, name)

    @staticmethod
    def _picture(number: int, name: str) -> bytes:
        kinds = {"webp": "WEBP", "png": "PNG"}
        kind = kinds.get(name.rpartition(".")[2], "JPEG")
        return pictures.photo(32, 24, noise=False, seed=number, format=kind)

    def _add_owners(self) -> None:
        names = [*self.good]
        step = REFS - 1  # so that the last picture of each is also the first of the next
        for number, start in enumerate(range(0, len(names) * 2 // 3, step)):
            urls = [
                address(name, start + at) for at, name in enumerate(names[start : start + REFS])
            ]
            if number % 3 == 0:
                urls[2:2] = [EXTERNAL, LOST]
            if number % 4 == 0:
                urls.append(address([*self.bad][number % len(self.bad)], number))
            kind = "group" if number % 5 == 0 else "product"
            self.owners[kind, f"owner-{number:04d}"] = list(dict.fromkeys(urls))

    def _add_page(self) -> None:
        first, second, third = [*self.good][:3]
        html = (
            f'<h1>uploads/</h1><img src="{address(first, 2)}">'
            f"<a href='{address(second, 0)}'>x</a>"
            f'<img src="{EXTERNAL}"><img src="{LOST}"><a href="/contacto">c</a>'
        )
        self.page = {
            "_id": "page-1",
            "site": "default",
            "revision": 3,
            "title": "Inicio",
            "draft": {"html": html, "css": f"body{{background:url( '{address(third, 3)}' )}}"},
            "published": {"components": [{"src": address(first, 1), "n": 1}], "html": ""},
        }

    def write(self, root: Path) -> Path:
        """Put the files on a disk."""
        everything = {**self.good, **self.bad, **{n.encode(): b"x" for n in PASSED_OVER}}
        for name, data in everything.items():
            path = os.path.join(os.fsencode(root), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        return root

    def pack(self, place: Path) -> Path:
        """Put them into a ZIP, as the folder `uploads`; Latin-1 names as Windows packs them."""
        renamed: dict[bytes, bytes] = {}
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in {**self.good, **self.bad}.items():
                text = name.decode("utf-8", "replace").replace("\ufffd", "~")
                if "~" in text:
                    renamed[text.encode()] = text.encode().replace(b"~", b"\x82")  # é in CP437
                archive.writestr(f"uploads/{text}", data)
        raw = place.read_bytes()
        for written, wanted in renamed.items():
            raw = raw.replace(written, wanted)
        place.write_bytes(raw)
        return place

    def documents(self, kind: str) -> list[Document]:
        """The records of one kind."""
        return [
            owner_document(kind, owner_id, urls)
            for (of_kind, owner_id), urls in self.owners.items()
            if of_kind == kind
        ]

    @property
    def answers(self) -> dict[str, str]:
        """The hash of what every old address has to give."""
        return {path_of(name): sha(data) for name, data in self.good.items()}

    def entries(self, urls: list[str]) -> list[str]:
        """What an owner shows afterwards: hashes for pictures, the rest as it was."""
        answers = self.answers
        shown = [answers.get(legacy_path(url) or "", url) for url in urls]
        return list(dict.fromkeys(shown))

    @property
    def owned(self) -> set[tuple[str, str]]:
        """The owners' pictures: pairs of owner and hash."""
        return {
            (owner_id, entry)
            for (_, owner_id), urls in self.owners.items()
            for entry in self.entries(urls)
            if "/" not in entry
        }

    @property
    def assets(self) -> int:
        """How many there are to be: one for each owner of a picture, one where nobody is."""
        hashes = set(self.answers.values())
        return len(self.owned) + len(hashes - {entry for _, entry in self.owned})

    @property
    def lost(self) -> set[tuple[str, str]]:
        """What no file answers: pairs of record and address."""
        local = {
            (owner_id, url)
            for (_, owner_id), urls in self.owners.items()
            for url in urls
            if url != EXTERNAL and legacy_path(url) not in self.answers
        }
        return local | {("page-1", legacy_path(LOST) or "")}


def owner_document(kind: str, owner_id: str, urls: Sequence[str]) -> Document:
    """A product or group as it is stored, with pictures elsewhere."""
    now = utc_now()
    return {
        "_id": owner_id,
        "site": "default",
        "name": owner_id,
        "name_key": owner_id,
        "images": [{"url": url} for url in urls],
        "revision": 1,
        "words": [],
        "created_at": now,
        "updated_at": now,
        **OF_KIND[kind],
        **({"options": [{"name": "rojo", "images": urls[:2]}]} if kind == "group" else {}),
    }


OF_KIND: dict[str, dict[str, Any]] = {
    "product": {"description": "", "currency": "EUR", "status": "published"},
    "group": {"model": "M"},
}
