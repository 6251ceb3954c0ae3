"""nbssh: Jupyter from a remote host with one word of plain OpenSSH."""

__version__ = "0.2.0"
