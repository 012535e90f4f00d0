"""Secrets in the arguments of jobs."""

import pytest

from avenue.sealing import Sealing, SecretLost

SECRET = "mongodb://ana:contraseña@db.example/vieja"


def test_a_secret_is_read_by_who_has_the_same_key_only() -> None:
    sealing, other = Sealing("one key"), Sealing("another key")
    sealed = sealing.sealed(SECRET)
    assert Sealing("one key").opened(sealed) == SECRET
    assert sealed != sealing.sealed(SECRET)
    assert not any(word in sealed for word in ("contrase", "db.example", "vieja"))
    for wrong in (sealed[:-8], "", "ñ", "x" * 40, sealed[:-4] + "AAAA"):
        with pytest.raises(SecretLost):
            sealing.opened(wrong)
    with pytest.raises(SecretLost):
        other.opened(sealed)


def test_a_mark_tells_the_same_secret_again_to_the_same_key_only() -> None:
    sealing = Sealing("one key")
    assert sealing.mark(SECRET) == Sealing("one key").mark(SECRET)
    assert sealing.mark(SECRET) != sealing.mark(SECRET + "x")
    assert sealing.mark(SECRET) != Sealing("another key").mark(SECRET)
