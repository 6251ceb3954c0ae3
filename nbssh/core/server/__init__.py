"""What is known of a host, and what is chosen from it. Pure."""
