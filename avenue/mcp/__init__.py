"""Media of a site for AI agents: the Model Context Protocol at `/mcp`.

Only `protocol` uses the SDK; `tools` are the actions of agents, by the services that the routes
use, too.
"""
