"""The command line: one file per command, each declares its options and calls one thing."""
