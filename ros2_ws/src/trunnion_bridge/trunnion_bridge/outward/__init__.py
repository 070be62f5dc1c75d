"""What the bridge says to other systems by itself: webhooks, MQTT, OPC UA."""
