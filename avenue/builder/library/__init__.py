"""The media library: the pictures of a site, in folders, and where they are used."""
