"""`python -m avenue …`."""

from avenue.cli import main

main()
