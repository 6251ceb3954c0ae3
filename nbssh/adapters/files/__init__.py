"""Files on this machine: read, compared, written all or none, locked."""
