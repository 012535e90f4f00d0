"""The first pass over a tree: which of its files are accepted, without decoding pictures."""

import hashlib
from collections.abc import Iterator

from avenue.errors import AvenueError
from avenue.media.archives import SENTENCES, PassedOver, TreeFile, Why
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.sniffing import HEAD_BYTES
from avenue.migration.addresses import OldAddresses
from avenue.migration.models import Content, Problem
from avenue.migration.plan import Plan
from avenue.migration.tree import Tree


def read_tree(
    tree: Tree, policy: UploadPolicy, addresses: OldAddresses, plan: Plan
) -> Iterator[None]:
    """Add every file of `tree` to `plan`, one for each step."""
    for each in tree.walk():
        if isinstance(each, PassedOver):
            _pass_over(each, plan)
        else:
            _look_at(each, tree, policy, addresses, plan)
        yield


def _pass_over(each: PassedOver, plan: Plan) -> None:
    problem = Problem(path=_shown(each.name), code=each.why, message=SENTENCES[each.why])
    if each.why is Why.HIDDEN:
        plan.skip(problem)
    else:
        plan.refuse(problem)


def _look_at(
    file: TreeFile, tree: Tree, policy: UploadPolicy, addresses: OldAddresses, plan: Plan
) -> None:
    path = addresses.path_of(file.name)
    if path is None:
        _pass_over(PassedOver(name=file.name, why=Why.UNSAFE_NAME), plan)
        return
    try:
        content = _content(file, tree, policy)
    except AvenueError as error:
        plan.refuse(Problem(path=path, code=error.code, message=error.message))
        return
    yielding = plan.add_file(path, file.name, content)
    if yielding is not None:
        _pass_over(PassedOver(name=yielding, why=Why.SAME_ADDRESS), plan)


def _content(file: TreeFile, tree: Tree, policy: UploadPolicy) -> Content:
    """Read a whole file; raise why `policy` refuses it."""
    policy.check_bytes(file.length)
    digest, head, length = hashlib.sha256(), b"", 0
    for block in tree.read(file.key):
        if not head:
            head = block[:HEAD_BYTES]
            policy.check_type(head)
        length += len(block)
        policy.check_bytes(length)
        digest.update(block)
    policy.check_type(head)
    name = _shown(file.name).rpartition("/")[2]
    return Content(sha256=digest.hexdigest(), length=length, key=file.key, name=name)


def _shown(name: bytes) -> str:
    """Return a raw name for people: invalid UTF-8 is read as Latin-1, as in addresses."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = name.decode("latin-1")
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
