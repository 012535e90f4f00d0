"""The inspection: whether every reference leads to a picture, and every picture is whole."""
