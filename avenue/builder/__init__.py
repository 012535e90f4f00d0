"""The website builder: pages, and the media they are made of."""
