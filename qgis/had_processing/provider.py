"""The provider: two algorithms, and a setting that says where the program is."""

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .detect import Detect
from .places import PlacesOfMap
from .program import SETTING


class HadProvider(QgsProcessingProvider):
    """``had`` in the Processing toolbox."""

    def id(self):
        """Return the prefix of the algorithms' ids."""
        return "had"

    def name(self):
        """Return the heading in the toolbox."""
        return "had"

    def longName(self):
        """Return the heading with its explanation."""
        return "had: hyperspectral anomaly detection"

    def icon(self):
        """Return the picture beside the heading."""
        return QIcon(str(Path(__file__).with_name("icon.svg")))

    def load(self):
        """Add the setting and the algorithms."""
        from processing.core.ProcessingConfig import ProcessingConfig, Setting

        ProcessingConfig.settingIcons[self.name()] = self.icon()
        ProcessingConfig.addSetting(
            Setting(
                self.name(),
                SETTING,
                "Program (empty: had on the path)",
                "",
                valuetype=Setting.FILE,
            )
        )
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self):
        """Take the setting away."""
        from processing.core.ProcessingConfig import ProcessingConfig

        ProcessingConfig.removeSetting(SETTING)

    def loadAlgorithms(self):
        """Add the algorithms."""
        self.addAlgorithm(Detect())
        self.addAlgorithm(PlacesOfMap())

    def supportedOutputRasterLayerExtensions(self):
        """Return the formats of maps that QGIS opens and had writes."""
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self):
        """Return the formats of places; GeoPackage needs pyogrio beside had."""
        return ["geojson", "gpkg"]

    def defaultVectorFileExtension(self, hasGeometry=True):  # noqa: ARG002 - as QGIS calls it
        """Return the format that needs nothing else."""
        return "geojson"
