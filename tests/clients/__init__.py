"""The upload clients of docs/clients, as they come from npm, in a browser against the server."""
