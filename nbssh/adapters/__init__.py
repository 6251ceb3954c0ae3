"""The thin rim: everything that touches the world (files, ssh, the terminal)."""
