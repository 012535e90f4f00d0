"""Pictures: the decode processes, picture operations, and the table of sizes."""
