"""How the tables came to be, step by step; run at each start, each step once."""
