"""The website builder: pages, and the media library."""
