"""The trace of one asset: everything known about it, and its broken links."""
