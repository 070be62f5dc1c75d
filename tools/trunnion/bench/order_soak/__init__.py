"""Orders and webhooks under `kill -9`: what becomes of them while bridges, robot and receiver die again and again."""
