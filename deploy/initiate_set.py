"""Make one replica set of the members named, and the two users it needs; repeatable.

    MONGO_ADMIN_PASSWORD=… MONGO_PASSWORD=… python initiate_set.py mongo1:27017 mongo2:27017 …

Runs where 127.0.0.1 is the first member: a mongod with a key file lets nobody in but a connection
from its own machine, and that one only until there is a user. Later runs sign in as `admin`, give
`avenue` the password of today, and change nothing else.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

SET_NAME = "rs0"
ALREADY_INITIALIZED = 23
USER_EXISTS = 51003
WRONG_PASSWORD = 18
PATIENCE_SECONDS = 120
ADMIN_ROLES = [{"role": "root", "db": "admin"}]
AVENUE_ROLES = [
    {"role": "readWrite", "db": "avenue"},
    # What `storage-status` reports: members, sizes, how far back the oplog reaches.
    {"role": "clusterMonitor", "db": "admin"},
    {"role": "read", "db": "local"},
]

# Half of MongoDB's own times: see "When the primary fails" in docs/operations.md.
QUICK_ELECTIONS = {
    "electionTimeoutMillis": 5_000,
    "heartbeatIntervalMillis": 1_000,
    "heartbeatTimeoutSecs": 5,
}

Client = MongoClient[dict[str, Any]]


def main(members: list[str], admin_password: str, avenue_password: str) -> None:
    """Bring the set of `members` and its users into being, or find that they are there."""
    port = int(members[0].rpartition(":")[2])
    own: Client = MongoClient("127.0.0.1", port, directConnection=True, timeoutMS=10_000)
    until(lambda: own.admin.command("ping"), "the first member answers")
    if not own.admin.command("hello").get("setName"):
        initiate(own, members)
    until(lambda: own.admin.command("hello").get("primary"), "the set has a primary")
    whole = f"mongodb://{','.join(members)}/?replicaSet={SET_NAME}"
    admin: Client = MongoClient(whole, username="admin", password=admin_password, timeoutMS=60_000)
    if not lets_in(admin):
        until(
            lambda: own.admin.command("hello")["isWritablePrimary"],
            "the first member is primary, to make the first user",
        )
        add_user(own, "admin", admin_password, ADMIN_ROLES)
    add_user(admin, "avenue", avenue_password, AVENUE_ROLES)
    print(f"The set {SET_NAME} of {', '.join(members)} is ready.")


def initiate(own: Client, members: list[str]) -> None:
    """Make the set. The first member is preferred as primary: it lets us make the first user."""
    hosts = [
        {"_id": number, "host": host, "priority": 1 if number else 2}
        for number, host in enumerate(members)
    ]
    config = {"_id": SET_NAME, "members": hosts, "settings": QUICK_ELECTIONS}
    try:
        own.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED:
            raise


def lets_in(admin: Client) -> bool:
    """Tell whether there is an `admin` with this password."""
    try:
        admin.admin.command("connectionStatus")
    except OperationFailure as error:
        if error.code != WRONG_PASSWORD:
            raise
        return False
    return True


def add_user(client: Client, name: str, password: str, roles: list[dict[str, str]]) -> None:
    """Make the user `name`, or give the one there is this password and these roles."""
    try:
        client.admin.command("createUser", name, pwd=password, roles=roles)
    except OperationFailure as error:
        if error.code != USER_EXISTS:
            raise
        client.admin.command("updateUser", name, pwd=password, roles=roles)


def until(condition: Callable[[], Any], what: str) -> None:
    """Return when `condition()` is true; end the process, saying `what`, when it stays false."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if condition():
                return
            reason = "not yet"
        except PyMongoError as error:
            reason = str(error)
        if time.monotonic() > deadline:
            raise SystemExit(f"Not within {PATIENCE_SECONDS} s: {what} ({reason})")
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ["MONGO_ADMIN_PASSWORD"], os.environ["MONGO_PASSWORD"])
