"""What several commands share, one floor below them. Steps know no command."""
