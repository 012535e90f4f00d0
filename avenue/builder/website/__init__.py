"""Pages of a site: drafts that editors change, and their published state at `/p/<slug>`."""
