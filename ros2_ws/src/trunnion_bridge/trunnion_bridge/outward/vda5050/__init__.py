"""The cell as a robot that speaks VDA5050 over MQTT."""
