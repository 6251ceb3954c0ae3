"""The profile: what the user declares, and its rules. Pure."""
