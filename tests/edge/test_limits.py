"""What one address may have of nginx itself."""

import contextlib
import socket

from tests.mongod import Guard
from tests.nginx import Nginx


def test_an_address_has_no_more_connections_than_it_may(guard: Guard) -> None:
    """Two wait for an answer that never comes, and the third is told so."""
    changes = {"limit_conn connections 500;": "limit_conn connections 2;"}
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as stack:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        edge = stack.enter_context(Nginx(guard, [port, port], changes))
        for number in range(3):
            client = socket.create_connection(("127.0.0.1", edge.port), 60)
            stack.enter_context(client).sendall(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
            if number < 2:
                stack.enter_context(silent.accept()[0])
        assert client.recv(12) == b"HTTP/1.1 429"
