"""The algorithm "Anomalies of a map": ``had threshold``."""

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .algorithm import HadAlgorithm
from .styling import styled

HELP = """
Thresholds a map of scores without labels and writes the connected anomalies as polygons, by the program had:
rank, size, area, peak score and position of each, and with the scene the bands in which it differs most from
its surroundings.
<p>Threshold: cfar:1e-3 for one false alarm in a thousand pixels of background, by a fit of the tail of the
scores; quantile:0.999; value:V; chi2:1e-3 for maps of grx.
"""


class PlacesOfMap(HadAlgorithm):
    """``had threshold`` on one map."""

    INPUT, SCENE, THRESHOLD, MIN_PIXELS = "INPUT", "SCENE", "THRESHOLD", "MIN_PIXELS"
    OUTPUT, MASK, COUNT = "OUTPUT", "MASK", "COUNT"

    def name(self):
        """Return the algorithm's id."""
        return "places"

    def displayName(self):
        """Return what the toolbox shows."""
        return "Anomalies of a map"

    def shortHelpString(self):
        """Return what the dialog tells."""
        return " ".join(HELP.split())  # QGIS would begin a paragraph with each line

    def initAlgorithm(self, _configuration=None):
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, "Map of scores"))
        self.addParameter(QgsProcessingParameterString(self.THRESHOLD, "Threshold", "cfar:1e-3"))
        self.addParameter(
            QgsProcessingParameterNumber(
                self.MIN_PIXELS, "Least pixels of a polygon", defaultValue=1, minValue=1
            )
        )
        self.addParameter(QgsProcessingParameterRasterLayer(self.SCENE, "Scene of the map", optional=True))
        self.addOptions("--seed 1")
        self.addParameter(
            QgsProcessingParameterVectorDestination(self.OUTPUT, "Anomalies", QgsProcessing.TypeVectorPolygon)
        )
        self.addParameter(
            QgsProcessingParameterRasterDestination(
                self.MASK, "Mask of the anomalies", optional=True, createByDefault=False
            )
        )

    def processAlgorithm(self, parameters, context, feedback):
        """Run the program and hand the layers on."""
        scores = self.parameterAsRasterLayer(parameters, self.INPUT, context).source()
        output = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        mask = self.parameterAsOutputLayer(parameters, self.MASK, context)
        scene = self.parameterAsRasterLayer(parameters, self.SCENE, context)
        words = ["threshold", scores, "--rule", self.parameterAsString(parameters, self.THRESHOLD, context)]
        words += ["--min-pixels", str(self.parameterAsInt(parameters, self.MIN_PIXELS, context))]
        words += ["--vector", output, "--overwrite"]
        words += [] if scene is None else ["--scene", scene.source()]
        words += ["-o", mask] if mask else []
        found = self.run_had(words + self.moreOptions(parameters, context), feedback)
        if found is None:
            return {}
        threshold, count = found["threshold"], len(found["places"])
        feedback.pushInfo(f"{count} anomalies of scores from {threshold['value']:.6g} on")
        for warning in threshold["warnings"]:
            feedback.pushWarning(warning)
        styled(output, "places", context)
        return {self.OUTPUT: output, **({self.MASK: mask} if mask else {})}
