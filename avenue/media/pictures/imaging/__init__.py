"""Opens untrusted pictures with Pillow, and makes renditions of them.

The only package that uses Pillow. It runs in the decode processes (`pictures/decoder.py`), where a
picture that takes too long or too much memory ends only that process.
"""
