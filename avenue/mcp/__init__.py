"""The media of a site for agents: the Model Context Protocol at `/mcp`.

`protocol` is the only one who knows the SDK, `tools` are what agents may do, by the services that
the routes use, too.
"""
