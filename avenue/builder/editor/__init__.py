"""The panel's list of a site's own pages, and the page editor."""
