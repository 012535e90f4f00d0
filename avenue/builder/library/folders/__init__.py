"""The folders of the media library."""
