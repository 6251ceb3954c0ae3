"""The user's laptop: where her files are, what her system is, the profiles that she has."""
