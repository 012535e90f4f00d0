"""How passwords are kept, how many are checked at once, and which are refused."""

import hashlib
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from avenue.accounts.breaches import HashFile
from avenue.accounts.errors import BreachedPassword, SignInBusy, WeakPassword
from avenue.accounts.passwords import Passwords, check_new, made_password
from avenue.config import ConfigError, Settings
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

ANA = "ana.garcia@shop.test"


class CountingHasher(PasswordHasher):
    """Quick, counts its checks, and can be held."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.inside = threading.Semaphore(0)

    def verify(self, stored: str | bytes, password: str | bytes) -> bool:
        self.checks.append(str(stored))
        self.inside.release()
        assert self.go_on.wait(DEADLINE_SECONDS)
        return super().verify(stored, password)


def test_passwords_are_kept_as_argon2id_with_19_mib_two_rounds_and_one_lane() -> None:
    kept = Passwords().hash("correct horse battery")
    parameters = extract_parameters(kept)
    assert kept.startswith("$argon2id$")
    assert parameters.memory_cost == 19 * 1024
    assert parameters.time_cost == 2
    assert parameters.parallelism == 1


@pytest.mark.parametrize(
    ("typed", "good"),
    [
        ("contraseña única", True),
        ("contrasen\u0303a u\u0301nica", True),  # the same letters, as another keyboard writes them
        ("contrasena unica", False),
        ("contraseña única ", False),
        ("", False),
        ("contraseña única\x00", False),
    ],
)
def test_only_the_same_password_is_right(typed: str, good: bool) -> None:
    passwords = Passwords(hasher=CountingHasher())
    assert passwords.verify(passwords.hash("contraseña única"), typed) is good


def test_nobodys_password_takes_one_check_of_the_same_kind_and_is_never_right() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher=hasher)
    kept = passwords.hash("correct horse battery")
    assert not passwords.verify(kept, "wrong")
    assert not passwords.verify(None, "wrong")
    somebodys, nobodys = hasher.checks
    assert extract_parameters(somebodys) == extract_parameters(nobodys)


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not Passwords(hasher=CountingHasher()).verify("$argon2id$broken", "wrong")


def test_few_are_checked_at_once_and_the_others_do_not_wait_for_ever() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher=hasher, at_once=2, longest_wait_seconds=0.01)
    hasher.go_on.clear()
    threads = [
        threading.Thread(target=passwords.verify, args=(None, "x"), daemon=True) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert hasher.inside.acquire(timeout=DEADLINE_SECONDS)
    with pytest.raises(SignInBusy) as refused:
        passwords.verify(None, "x")
    assert refused.value.headers["Retry-After"]
    hasher.go_on.set()
    joined(*threads)
    assert passwords.verify(passwords.hash("free again"), "free again")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "nine char",
        "nine letr\u0301",  # ten code points, which are nine letters
        "x" * 1025,
        "password123",
        "PassWord123",
        "ｐａｓｓｗｏｒｄ123",
        "contraseña",
        "Contraseña1",
        "1234567890",
        "aaaaaaaaaaaa",
        "abababababab",
        ANA,
        ANA.upper(),
        "ana.garcia",
    ],
)
def test_a_new_password_that_would_soon_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_new(password, email=ANA)


@pytest.mark.parametrize("password", ["ten chars!", "x1y2" * 256, "una frase que no adivinas"])
def test_other_new_passwords_are_taken(password: str) -> None:
    check_new(password, email=ANA)


def test_a_made_password_is_good_and_new_each_time() -> None:
    check_new(made_password(), email=ANA)
    assert made_password() != made_password()


def test_a_password_that_is_on_a_list_of_stolen_ones_is_refused_and_says_so() -> None:
    for listed in ("password1234", "PARAGUAY123", "1q2w3e4r5t6y", "iloveyou1234", "qwertyuiop[]"):
        with pytest.raises(BreachedPassword) as refused:
            check_new(listed, email=ANA)
        assert (refused.value.code, refused.value.status) == ("breached_password", 400)
    check_new("half a surrogate \ud800", email=ANA)


def hash_line(password: str, end: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper() + end


@pytest.mark.parametrize("end", [":1\n", ":12345678\r\n", "\n"])
def test_hashes_of_the_deployment_are_looked_for_where_they_lie(tmp_path: Path, end: str) -> None:
    path = tmp_path / "hashes"
    here = [f"{number} mesas verdes" for number in range(257)]
    path.write_text("".join(sorted(hash_line(each, end) for each in here)), newline="")
    passwords = Passwords(hasher=CountingHasher(), breached=HashFile(path))
    for each in here:
        with pytest.raises(BreachedPassword):
            passwords.check_new(each, email=ANA)
    for number in range(257, 400):
        passwords.check_new(f"{number} mesas verdes", email=ANA)
    for few in (here[:1], here[:2], []):  # another file in its place, down to an empty one
        path.write_text("".join(sorted(hash_line(each, end) for each in few)), newline="")
        assert [HashFile(path).has(each) for each in here[:3]] == [each in few for each in here[:3]]


def test_a_file_of_hashes_that_is_away_or_something_else_is_told_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"AVENUE_LOCAL": "1"}
    for about, content in (("away", None), ("something else", b"\x00" * 5000)):
        path = tmp_path / about
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError, match="AVENUE_BREACHED_PASSWORDS"):
            Settings.from_env({**environ, "AVENUE_BREACHED_PASSWORDS": str(path)})
        Passwords(hasher=CountingHasher(), breached=HashFile(path)).check_new(
            "una frase que no adivinas", email=ANA
        )
    assert "cannot be read" in caplog.text
    assert "frase" not in caplog.text
    path.write_text(hash_line("una", ":3\r\n"))
    assert Settings.from_env({**environ, "AVENUE_BREACHED_PASSWORDS": str(path)})
