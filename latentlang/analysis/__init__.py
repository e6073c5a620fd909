"""From readings to statements: intervals, summaries, phases, the sphere, the map, the rotation."""
