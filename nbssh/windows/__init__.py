"""Everything that knows Windows, and the Windows around a WSL."""
