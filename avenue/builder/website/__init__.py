"""Pages of a site: drafts that editors change, and what of them visitors see at `/p/<slug>`."""
