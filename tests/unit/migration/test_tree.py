"""Old trees as they are found: foreign names, links, and archives built to do harm."""

import os
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from avenue.media.archives import MOST_DIRECTORY_BYTES, MOST_LEVELS, PassedOver, TreeFile, Why
from avenue.media.errors import DamagedEntry, UnsafeArchive
from avenue.migration.errors import NotATree, UnreadableFile
from avenue.migration.tree import opened_tree

E_COMPOSED, E_APART = "é".encode(), "e\u0301".encode()


def seen(place: Path, top: str = "uploads") -> dict[bytes, bytes | Why]:
    """What a walk finds: the bytes of files, or why something is passed over."""
    with opened_tree(place, top=top) as tree:
        return {
            each.name: each.why if isinstance(each, PassedOver) else b"".join(tree.read(each.key))
            for each in tree.walk()
        }


def lengths(place: Path) -> dict[bytes, int]:
    with opened_tree(place, top="uploads") as tree:
        return {each.name: each.length for each in tree.walk() if isinstance(each, TreeFile)}


def put(root: Path, name: bytes | str, data: bytes = b"x") -> None:
    path = os.path.join(os.fsencode(root), name if isinstance(name, bytes) else name.encode())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    def make(*entries: tuple[str | zipfile.ZipInfo, bytes], packed: int = 0) -> Path:
        place = tmp_path / "tree.zip"
        with zipfile.ZipFile(place, "w", packed) as archive:
            for name, data in entries:
                archive.writestr(name, data)
        return place

    return make


def test_a_folder_is_walked_with_the_names_its_disk_has(tmp_path: Path) -> None:
    names = [
        b"a.jpg",
        b"deep/er/b.png",
        b"caf" + E_COMPOSED + b".jpg",
        b"caf" + E_APART + b".jpg",
        b"caf\xe9.jpg",
        b"with space & 50%.jpg",
        "日本.webp".encode(),
    ]
    for number, name in enumerate(names):
        put(tmp_path, name, b"%d" % number)
    assert seen(tmp_path) == {name: b"%d" % number for number, name in enumerate(names)}
    assert set(lengths(tmp_path).values()) == {1}


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", ".gitkeep", "._foto.jpg", ".git"],
)
def test_what_systems_leave_behind_is_passed_over(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"sub/{name}")
    put(tmp_path, "sub/a.jpg")
    assert seen(tmp_path) == {f"sub/{name}".encode(): Why.HIDDEN, b"sub/a.jpg": b"x"}


def test_links_are_never_followed_not_even_those_that_appear_later(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "secret.jpg", b"secret")
    root = tmp_path / "uploads"
    put(root, "a.jpg")
    (root / "file.jpg").symlink_to(outside / "secret.jpg")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "nowhere.jpg").symlink_to(root / "gone.jpg")
    assert seen(root) == {
        b"a.jpg": b"x",
        b"file.jpg": Why.LINK,
        b"folder": Why.LINK,
        b"loop": Why.LINK,
        b"nowhere.jpg": Why.LINK,
    }
    with opened_tree(root, top="uploads") as tree:
        (found,) = [each for each in tree.walk() if isinstance(each, TreeFile)]
        (root / "a.jpg").unlink()
        (root / "a.jpg").symlink_to(outside / "secret.jpg")
        with pytest.raises(UnreadableFile):
            list(tree.read(found.key))


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.jpg")
    (tmp_path / "uploads").symlink_to(tmp_path / "real")
    assert seen(tmp_path / "uploads") == {b"a.jpg": b"x"}


def test_pipes_are_not_files_and_do_not_make_anybody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path, "a.jpg")
    assert seen(tmp_path) == {b"pipe.jpg": Why.NOT_A_FILE, b"a.jpg": b"x"}
    with opened_tree(tmp_path, top="uploads") as tree, pytest.raises(UnreadableFile):
        list(tree.read(b"pipe.jpg"))


def test_folders_beyond_a_depth_are_named_and_not_entered(tmp_path: Path) -> None:
    put(tmp_path, "/".join(["d"] * (MOST_LEVELS - 1)) + "/a.jpg")
    put(tmp_path, "/".join(["e"] * MOST_LEVELS) + "/a.jpg")
    found = list(seen(tmp_path).values())
    assert sorted(map(str, found)) == [str(b"x"), "too_deep"]


def test_something_else_is_no_tree(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", b"hello")
    for place in (tmp_path / "a.txt", tmp_path / "nothing"):
        with pytest.raises(NotATree), opened_tree(place, top="uploads"):
            pass


def test_a_zip_is_read_in_place(zipped: Callable[..., Path]) -> None:
    place = zipped(
        ("a.jpg", b"one"),
        ("sub/b.jpg", b"two" * 1000),
        ("empty/", b""),
        packed=zipfile.ZIP_DEFLATED,
    )
    assert seen(place) == {b"a.jpg": b"one", b"sub/b.jpg": b"two" * 1000}


def test_the_packed_folder_itself_is_not_part_of_the_names(zipped: Callable[..., Path]) -> None:
    packed = ("uploads/a.jpg", b"one"), ("__MACOSX/uploads/._a.jpg", b"fork")
    assert seen(zipped(*packed)) == {
        b"a.jpg": b"one",
        b"__MACOSX/uploads/._a.jpg": Why.HIDDEN,
    }
    beside = (*packed, ("other/b.jpg", b"two"))
    assert set(seen(zipped(*beside))) >= {b"uploads/a.jpg", b"other/b.jpg"}


def beside_its_name(name: str, path: str, of: str | None = None) -> zipfile.ZipInfo:
    """An entry with a Unicode path field, written for the name `of`."""
    made = zipfile.ZipInfo(name)
    field = struct.pack("<BL", 1, zlib.crc32((of or name).encode())) + path.encode()
    made.extra = struct.pack("<HH", 0x7075, len(field)) + field
    return made


def test_names_in_a_zip_come_in_the_encodings_programs_write(
    tmp_path: Path, zipped: Callable[..., Path]
) -> None:
    marked = "uñas.jpg"  # zipfile marks it as UTF-8
    place = zipped(
        (marked, b"1"),
        ("cafe437.jpg", b"2"),
        ("plainUTF.jpg", b"3"),
        ("a\\b.jpg", b"4"),
        (beside_its_name("__.jpg", "日本.jpg"), b"5"),
        (beside_its_name("renamed.jpg", "before.jpg", of="before.jpg"), b"6"),
    )
    raw = place.read_bytes()
    raw = raw.replace(b"cafe437.jpg", b"caf\x82437.jpg")  # é in code page 437
    raw = raw.replace(b"plainUTF.jpg", b"pla\xc3\xa9UTF.jpg")  # UTF-8 without the mark, as macOS
    place.write_bytes(raw)
    assert seen(place) == {
        "uñas.jpg".encode(): b"1",
        "café437.jpg".encode(): b"2",
        "plaéUTF.jpg".encode(): b"3",
        b"a/b.jpg": b"4",
        "日本.jpg".encode(): b"5",
        b"renamed.jpg": b"6",
    }


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/../../b.jpg", "/etc/passwd", "..", "C:/windows/a.jpg", "..\\a.jpg"],
)
def test_names_that_lead_out_are_refused(zipped: Callable[..., Path], name: str) -> None:
    found = seen(zipped((name, b"x"), ("a.jpg", b"y")))
    assert found.pop(b"a.jpg") == b"y"
    assert list(found.values()) == [Why.UNSAFE_NAME]


def entry(name: str, *, mode: int = 0, **fields: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def test_links_and_other_ways_of_packing_are_refused(zipped: Callable[..., Path]) -> None:
    place = zipped(
        (entry("link.jpg", mode=stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (entry("device", mode=stat.S_IFCHR | 0o666), b""),
        (entry("a.jpg", mode=stat.S_IFREG | 0o644), b"fine"),
        # A megabyte of bzip2 may become gigabytes in one step.
        (entry("bz.jpg", compress_type=zipfile.ZIP_BZIP2), b"0" * 100),
        (entry("lzma.jpg", compress_type=zipfile.ZIP_LZMA), b"0" * 100),
        ("/".join("d" * MOST_LEVELS) + "/deep.jpg", b"x"),
    )
    found = seen(place)
    assert found.pop(b"/".join([b"d"] * MOST_LEVELS) + b"/deep.jpg") is Why.TOO_DEEP
    assert found == {
        b"link.jpg": Why.LINK,
        b"device": Why.NOT_A_FILE,
        b"a.jpg": b"fine",
        b"bz.jpg": Why.PACKED_OTHERWISE,
        b"lzma.jpg": Why.PACKED_OTHERWISE,
    }


def test_an_entry_with_a_password_is_refused(zipped: Callable[..., Path]) -> None:
    place = zipped(("a.jpg", b"secret"))
    raw = bytearray(place.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(signature) + at] |= 1
    place.write_bytes(raw)
    assert seen(place) == {b"a.jpg": Why.ENCRYPTED}


def test_a_damaged_entry_is_unreadable_and_the_others_are_not(zipped: Callable[..., Path]) -> None:
    place = zipped(("a.jpg", b"a" * 1000), ("b.jpg", b"b" * 1000))
    place.write_bytes(place.read_bytes().replace(b"a" * 1000, b"a" * 999 + b"?"))
    with opened_tree(place, top="uploads") as tree:
        damaged, whole = list(tree.walk())
        assert isinstance(damaged, TreeFile)
        assert isinstance(whole, TreeFile)
        with pytest.raises(DamagedEntry):
            list(tree.read(damaged.key))
        assert b"".join(tree.read(whole.key)) == b"b" * 1000


def test_two_entries_of_one_name_are_two_files(zipped: Callable[..., Path]) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        place = zipped(("a.jpg", b"one"), ("a.jpg", b"two"))
    with opened_tree(place, top="uploads") as tree:
        read = [b"".join(tree.read(each.key)) for each in tree.walk() if isinstance(each, TreeFile)]
    assert read == [b"one", b"two"]


def test_a_bomb_is_refused_as_a_whole(zipped: Callable[..., Path]) -> None:
    place = zipped(("a.jpg", bytes(30_000_000)), packed=zipfile.ZIP_DEFLATED)
    with pytest.raises(UnsafeArchive), opened_tree(place, top="uploads"):
        pass


def test_entries_that_share_their_bytes_are_a_bomb(zipped: Callable[..., Path]) -> None:
    """Many names for one packed entry: the archive stays small, what comes out does not."""
    place = zipped(("a.jpg", os.urandom(50_000)))
    raw = place.read_bytes()
    at, end = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
    directory = raw[at:end] * 5
    tail = bytearray(raw[end:])
    struct.pack_into("<HHI", tail, 8, 5, 5, len(directory))
    place.write_bytes(raw[:at] + directory + tail)
    with pytest.raises(UnsafeArchive), opened_tree(place, top="uploads"):
        pass


def test_an_archive_that_lies_about_a_length_gives_no_more_than_it_said(
    zipped: Callable[..., Path],
) -> None:
    place = zipped(("a.jpg", b"z" * 5_000), packed=zipfile.ZIP_DEFLATED)
    raw = bytearray(place.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\1\2") + 24, 100)
    place.write_bytes(raw)
    with opened_tree(place, top="uploads") as tree:
        (found,) = tree.walk()
        assert isinstance(found, TreeFile)
        assert found.length == 100
        with pytest.raises(DamagedEntry):  # the check sum is another
            list(tree.read(found.key))


def test_a_directory_too_long_for_memory_is_not_read(tmp_path: Path) -> None:
    """An archive may claim any length for its directory, and be as long."""
    place = tmp_path / "huge.zip"
    size = 10 * MOST_DIRECTORY_BYTES
    with place.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, size, 0, 0))
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeArchive), opened_tree(place, top="uploads"):
            pass
        assert tracemalloc.get_traced_memory()[1] < MOST_DIRECTORY_BYTES
    finally:
        tracemalloc.stop()


def test_an_empty_archive_is_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\5\6" + bytes(18))
    assert seen(tmp_path / "a.zip") == {}


def test_a_cut_off_archive_is_refused(zipped: Callable[..., Path]) -> None:
    place = zipped(("a.jpg", b"a" * 1000), ("b.jpg", b"b" * 1000))
    whole = place.read_bytes()
    place.write_bytes(whole[:-60])
    with pytest.raises(NotATree), opened_tree(place, top="uploads"):
        pass
    place.write_bytes(whole[500:])
    with pytest.raises(UnsafeArchive), opened_tree(place, top="uploads"):
        pass


def test_memory_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    for number in range(3_000):
        put(tmp_path, f"{number % 7}/{number:04d}-{'x' * 100}.jpg")
    tracemalloc.start()
    try:
        with opened_tree(tmp_path, top="uploads") as tree:
            assert sum(1 for _ in tree.walk()) == 3_000
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
