"""Errors at `/mcp` outside of tools."""

from avenue.errors import Forbidden, Unavailable


class McpNotInstalled(Unavailable):
    """The optional package for the Model Context Protocol is not installed."""

    message = "/mcp requires the package mcp, which is not installed."
    hint = "Run `pip install --require-hashes -r requirements-mcp.txt`."


class OriginNotAllowed(Forbidden):
    """The request comes from a page of an origin that may not call."""

    message = "Pages from this origin cannot call /mcp."
    hint = "Add the origin to AVENUE_CORS_ORIGINS, or call from a program, which sends no origin."
