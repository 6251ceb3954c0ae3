"""Programs that we start, and who else's program holds what."""
