"""The registry of models: the versions of a use case, its candidate and champion, and what a champion must show."""
