"""Everything that knows Windows."""
