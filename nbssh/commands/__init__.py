"""One module for each word that a user types after nbssh. Commands never import each other."""
