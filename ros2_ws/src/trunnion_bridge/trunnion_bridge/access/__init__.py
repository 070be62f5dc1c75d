"""Who may do what: tokens, roles, and the one table of what each route wants."""
