"""What a site holds, as files that need no Avenue: docs/export-format.md."""
