"""The whole product on this machine alone, with a throw-away sshd."""
