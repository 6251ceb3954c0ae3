"""The files that nbssh renders, and the plan of their changes. Pure."""
