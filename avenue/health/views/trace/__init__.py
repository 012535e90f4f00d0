"""The trace of one asset, as JSON or as text."""
