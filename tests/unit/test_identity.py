"""The ids of everything."""

from avenue.identity import NumberedIds, is_id, new_id


def test_an_id_is_never_an_option_of_a_command():
    drawn = [new_id() for _ in range(5000)]
    assert all(map(is_id, drawn))
    assert len(set(drawn)) == 5000
    assert not [each for each in drawn if each.startswith("-")]


def test_numbered_ids_look_like_the_others_and_never_come_twice() -> None:
    ids, others = NumberedIds(), NumberedIds()
    made = [next(each) for each in (ids, others) for _ in range(1000)]
    assert all(map(is_id, made))
    assert len(set(made)) == 2000
