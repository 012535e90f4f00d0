"""Renditions: pictures in the sizes and formats of the variants table, generated and stored."""
