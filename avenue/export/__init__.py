"""Export of a site as files that can be used without Avenue: docs/export-format.md."""
