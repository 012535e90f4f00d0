"""The ids of everything."""

from avenue.identity import is_id, new_id


def test_an_id_is_never_an_option_of_a_command():
    drawn = [new_id() for _ in range(5000)]
    assert all(map(is_id, drawn))
    assert len(set(drawn)) == 5000
    assert not [each for each in drawn if each.startswith("-")]
