"""Renditions: a picture in the sizes and formats of the variants table, made and kept."""
