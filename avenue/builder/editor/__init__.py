"""The pages of the panel where a site's own pages are listed and edited."""
