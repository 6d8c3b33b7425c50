"""From a mask to a list of places: connected anomalies with their outline, size and spectrum.

A score map of N pixels is worked on in memory: 9 bytes per pixel, for scores, mask and labels. The scene
itself is read around each place only.
"""

from had_cli.places.find import Places, find_places
from had_cli.places.place import BandDifference, Place

__all__ = ["BandDifference", "Place", "Places", "find_places"]
