"""Operations: is anything lost, leaking or running full, who is told, and what mends it.

Each part is a package of its own; they stand on each other in the order that pyproject.toml says.
"""
