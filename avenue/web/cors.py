"""CORS: which other origins' pages may call the API: those in the settings, with a Bearer token.

Cookies are never allowed across origins, so no answer carries `Allow-Credentials`. The lists
contain what upload clients send and read (tus, Uppy, Dropzone, FilePond). Answers that shared
caches may store are public, and may be read from any page if some may call at all.
"""

from flask import Flask, Response, request

from avenue.config import Settings
from avenue.web import limits
from avenue.web.request_kinds import is_api

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED = ", ".join(
    (
        "Authorization",
        "Content-Type",
        "X-Requested-With",
        "Cache-Control",
        "Challenge-Response",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Tus-Resumable",
        "Upload-Length",
        "Upload-Offset",
        "Upload-Metadata",
        "Upload-Name",
        "Upload-Concat",
        "Upload-Defer-Length",
        "Upload-Checksum",
        "Upload-Ticket",
        "X-HTTP-Method-Override",
        "X-Request-ID",
        "Mcp-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
    )
)
EXPOSED = ", ".join(
    (
        "Location",
        "Upload-Offset",
        "Upload-Length",
        "Upload-Metadata",
        "Upload-Expires",
        "Tus-Resumable",
        "Tus-Version",
        "Tus-Extension",
        "Tus-Max-Size",
        "Tus-Checksum-Algorithm",
        "Content-Disposition",
        "Retry-After",
        *limits.HEADERS,
        "X-Request-ID",
        "ETag",
        "Idempotent-Replayed",
        "Avenue-Mended",
    )
)
PREFLIGHT_GOOD_FOR_SECONDS = 7200  # the maximum in Chromium


def install(app: Flask, settings: Settings) -> None:
    """Let pages of `settings.cors_origins` call `/api` of `app`, and read its errors."""
    origins = frozenset(settings.cors_origins)
    if not origins:
        return

    def answer_preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if asks and is_api() else None

    def allow(response: Response) -> Response:
        if not is_api():
            return response
        if response.cache_control.public:  # the same for all, so a cache stores it once
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = METHODS
                response.headers["Access-Control-Allow-Headers"] = ALLOWED
                response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_GOOD_FOR_SECONDS)
        return response

    app.before_request(answer_preflight)
    app.after_request(allow)
