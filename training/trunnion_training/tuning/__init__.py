"""Settings that are searched: Optuna proposes them, Ray Tune has them tried, and a report shows what came of it."""
