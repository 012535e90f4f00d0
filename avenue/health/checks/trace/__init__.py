"""The trace of one asset: everything that is known of it, and which link is broken."""
