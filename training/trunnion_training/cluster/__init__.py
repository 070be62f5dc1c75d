"""Ray: what fans work out over processes and machines."""
