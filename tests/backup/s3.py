"""Real S3 servers beside the tests, which check signatures.

moto takes every key that S3 takes; rclone serves a folder.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.waiting import DEADLINE_SECONDS, wait_until

BUCKET = "shop-backups"
RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent))
ACTIONS_BEFORE_SIGNATURES = 3
"""What moto lets anybody do at first: make a user, say what the user may do, and give a key."""
ALL_OF_S3 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class S3Account:
    """Where a server listens, and the one key it takes. It has the bucket `BUCKET`."""

    endpoint: str
    key: str
    secret: str

    def client(self, service: str = "s3") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )


@contextmanager
def moto_server() -> Iterator[S3Account]:
    """Yield an account of moto's server, which takes any key that S3 does."""
    variables = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(ACTIONS_BEFORE_SIGNATURES)}
    with _started([sys.executable, "-m", "moto.server", "-p"], "{port}", variables) as endpoint:
        iam = S3Account(endpoint, "anybody", "anything").client("iam")
        iam.create_user(UserName="tests")
        iam.put_user_policy(UserName="tests", PolicyName="s3", PolicyDocument=json.dumps(ALL_OF_S3))
        made = iam.create_access_key(UserName="tests")["AccessKey"]
        account = S3Account(endpoint, made["AccessKeyId"], made["SecretAccessKey"])
        account.client().create_bucket(Bucket=BUCKET)
        yield account


@contextmanager
def rclone_server(folder: Path) -> Iterator[S3Account]:
    """Yield an account of rclone's server, which keeps each object as a file below `folder`."""
    assert RCLONE is not None, "rclone comes with requirements-dev.txt"
    (folder / BUCKET).mkdir(parents=True)
    key, secret = "AKIDEXAMPLE", "a-secret-of-tests"
    begin = [RCLONE, "serve", "s3", str(folder), "--config", "/dev/null"]
    begin += ["--auth-key", f"{key},{secret}", "--addr"]
    with _started(begin, "127.0.0.1:{port}", os.environ) as endpoint:
        yield S3Account(endpoint, key, secret)


@contextmanager
def _started(begin: list[str], address: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Run a command that ends with its address, and yield its URL once it answers."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [*begin, address.format(port=port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
    )

    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(answers, "the S3 server")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
