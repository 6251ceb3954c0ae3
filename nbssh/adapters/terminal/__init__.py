"""The terminal: what is printed, asked and driven there."""
