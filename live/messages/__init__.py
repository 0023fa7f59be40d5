"""Messages about events: the outbox, targets of Apprise, and MQTT."""
