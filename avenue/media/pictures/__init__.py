"""Pictures: the decode processes, what they draw, and the sizes there are."""
