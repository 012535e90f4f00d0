"""The two configurations of nginx: files from disk, and what stands in front of Avenue."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

_STATIC = """
{user}
worker_processes 2;
daemon off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/octet-stream;
    types {{ image/webp webp; image/jpeg jpg; }}
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    open_file_cache max=10000 inactive=10m;
    open_file_cache_valid 10m;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        add_header Cache-Control "public, max-age=31536000, immutable";
    }}
}}
"""

DEPLOYED = ROOT / "deploy" / "nginx.conf"


def static(port: int, folder: Path) -> str:
    """Serve `folder`: sendfile, descriptors kept open, no log, as files are served well.

    Without `tcp_nopush`: with it each range waits 44 ms for the client's delayed acknowledgement.
    Thumbs alone would take 0.77 of the CPU without `sendfile`; photos 1.9 times as much.
    """
    return _STATIC.format(user=_user(), port=port, folder=folder)


def edge(port: int, behind: int, folder: Path) -> str:
    """Return deploy/nginx.conf in front of the server on port `behind`, writing into `folder`."""
    text = DEPLOYED.read_text(encoding="utf-8")
    text = re.sub(r"( server )app1:8000 ", rf"\g<1>127.0.0.1:{behind} ", text)
    text = re.sub(r"\n *server app\d:8000 [^\n]*", "", text)
    text = re.sub(r"listen \d+ ", f"listen 127.0.0.1:{port} ", text)
    # The load comes from one address, which would be refused most of it.
    text = re.sub(r"\n *limit_(?:conn|req)[a-z_]* [^\n]*", "", text)
    text = re.sub(
        r"/var/cache/(nginx)|/(tmp)|/dev/(stdout)",
        lambda found: f"{folder}/{found[found.lastindex or 0]}",
        text,
    )
    return f"daemon off;\n{_user()}\n{text}"


def _user() -> str:
    # Started by root, its processes would else be somebody who cannot read our folder.
    return "user root;" if os.geteuid() == 0 else ""
