"""ssh_config(5): its grammar, our blocks, our Include line. Pure."""
