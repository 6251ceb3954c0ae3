# Every Jupyter reads this file before it starts anything: where nothing has imported rfc3987_syntax, which cleans up
# too, this does it.
try:
    import nbssh_clean  # noqa: F401
except ImportError:  # done already, and in an earlier Jupyter
    pass
