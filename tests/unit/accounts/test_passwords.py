"""How passwords are kept, how many are checked at once, and which are refused."""

import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from avenue.accounts.errors import SignInBusy, WeakPassword
from avenue.accounts.passwords import Passwords, check_new, made_password
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
        "x" * 1025,
        "password123",
        "PassWord123",
        "contraseña",
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
