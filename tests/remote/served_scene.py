"""The size of the scene that the tests serve, and of its tiles."""

SIZE, BANDS, TILE = 600, 12, 256
