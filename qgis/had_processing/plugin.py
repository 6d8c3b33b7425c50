"""The plugin itself: it adds the provider to Processing and takes it away again."""

from qgis.core import QgsApplication

from .provider import HadProvider


class HadPlugin:
    """What QGIS loads; with ``hasProcessingProvider`` in metadata.txt, ``qgis_process`` loads it as well."""

    def __init__(self):
        self.provider = None

    def initProcessing(self):
        """Add the provider."""
        self.provider = HadProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Add the provider; there is no other user interface."""
        self.initProcessing()

    def unload(self):
        """Take the provider away."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
