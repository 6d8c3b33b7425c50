"""One detection: host, scene, device and engine together."""
