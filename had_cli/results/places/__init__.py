"""From a mask to a list of places: connected anomalies with their outline, size and spectrum.

A score map is worked on in memory, which takes about 16 bytes per pixel, threshold and map included. The
scene is read around each place only.
"""

from had_cli.results.places.collection import Places
from had_cli.results.places.find import find_places
from had_cli.results.places.place import BandDifference, Place

__all__ = ["BandDifference", "Place", "Places", "find_places"]
