"""General uploads: files of any type, private by default, tied to the caller's own records."""
