"""The algorithm "Anomaly scores": ``had detect``."""

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingParameterVectorLayer,
)

from . import program
from .algorithm import HadAlgorithm, executable_setting
from .styling import styled

HELP = """
Scores how foreign each pixel of a hyperspectral scene is to the background around it, by the program had. The
map is float32 with nodata where the scene has none; its tags say how it was made.
<p>Scene: a raster layer, or a file of a format that QGIS does not open (MATLAB, NumPy, satellite products).
<p>Method: empty for the default of had. The program's help, had detect -m METHOD --help, explains them.
<p>Background: polygons; methods that can (grx, ferd, fers) take the statistics of the background from these.
<p>Threshold: of the polygons around anomalies, if these are wanted: cfar:1e-3 for one false alarm in a
thousand pixels of background, quantile:0.999, value:V, or chi2:1e-3 for maps of grx.
"""


class Detect(HadAlgorithm):
    """``had detect`` on one scene."""

    INPUT, FILE, METHOD, WEIGHTS, BANDS = "INPUT", "FILE", "METHOD", "WEIGHTS", "BANDS"
    BACKGROUND, THRESHOLD, MIN_PIXELS = "BACKGROUND", "THRESHOLD", "MIN_PIXELS"
    OUTPUT, PLACES = "OUTPUT", "PLACES"

    def name(self):
        """Return the algorithm's id."""
        return "detect"

    def displayName(self):
        """Return what the toolbox shows."""
        return "Anomaly scores"

    def shortHelpString(self):
        """Return what the dialog tells."""
        return " ".join(HELP.split())  # QGIS would begin a paragraph with each line

    def initAlgorithm(self, _configuration=None):
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, "Scene", optional=True))
        self.addParameter(
            QgsProcessingParameterFile(self.FILE, "or a scene file that QGIS does not open", optional=True)
        )
        method = QgsProcessingParameterString(self.METHOD, "Method", optional=True)
        method.setMetadata({"widget_wrapper": {"value_hints": ["", *_methods()]}})
        self.addParameter(method)
        self.addParameter(
            QgsProcessingParameterVectorLayer(
                self.BACKGROUND, "Background", [QgsProcessing.TypeVectorPolygon], optional=True
            )
        )
        self.addParameter(
            QgsProcessingParameterString(self.BANDS, "Bands, such as 1-100 or 400-2450nm", optional=True)
        )
        self.addParameter(
            QgsProcessingParameterString(
                self.THRESHOLD, "Threshold of the anomalies", "cfar:1e-3", optional=True
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                self.MIN_PIXELS, "Least pixels of a polygon", defaultValue=1, minValue=1
            )
        )
        weights = QgsProcessingParameterFile(self.WEIGHTS, "Weights of a trained method", optional=True)
        weights.setFlags(weights.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
        self.addParameter(weights)
        self.addOptions("--seed 1 --window 0 0 200 200")
        self.addParameter(QgsProcessingParameterRasterDestination(self.OUTPUT, "Map of scores"))
        self.addParameter(
            QgsProcessingParameterVectorDestination(
                self.PLACES,
                "Anomalies",
                QgsProcessing.TypeVectorPolygon,
                optional=True,
                createByDefault=False,
            )
        )

    def processAlgorithm(self, parameters, context, feedback):
        """Run the program and hand the layers on."""
        words = ["detect", self._scene(parameters, context), *self._wanted(parameters, context, feedback)]
        output = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        words += ["-o", output, "--overwrite"]
        outputs = {self.OUTPUT: output}
        places = self.parameterAsOutputLayer(parameters, self.PLACES, context)
        if places:
            rule = self.parameterAsString(parameters, self.THRESHOLD, context)
            if not rule:
                raise QgsProcessingException("Anomalies need a threshold, such as cfar:1e-3")
            least = self.parameterAsInt(parameters, self.MIN_PIXELS, context)
            words += ["--threshold", rule, "--vector", places, "--min-pixels", str(least)]
            outputs[self.PLACES] = places
        if self.run_had(words, feedback, followed=True) is None:
            return {}
        for path, style in ((output, "scores"), (places, "places")):
            styled(path, style, context)
        return outputs

    def _scene(self, parameters, context):
        """Return the scene's file: what had opens by itself, whatever QGIS shows of it."""
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        file = self.parameterAsFile(parameters, self.FILE, context)
        if (layer is None) == (not file):
            raise QgsProcessingException("Choose a scene: a layer, or a file that QGIS does not open")
        if layer is None:
            return file
        if layer.dataProvider().name() != "gdal":
            raise QgsProcessingException(f"{layer.name()}: is no layer of a file; save it as GeoTIFF first")
        return layer.source()

    def _wanted(self, parameters, context, feedback):
        """Return the words of what was chosen."""
        words = []
        for name, option in ((self.METHOD, "-m"), (self.BANDS, "--bands")):
            if value := self.parameterAsString(parameters, name, context):
                words += [option, value]
        if weights := self.parameterAsFile(parameters, self.WEIGHTS, context):
            words += ["-w", weights]
        if parameters.get(self.BACKGROUND) is not None:
            # always a file of its own: a layer may be one of many in its file, or be filtered
            polygons = self.parameterAsCompatibleSourceLayerPath(
                parameters, self.BACKGROUND, context, ["geojson"], "geojson", feedback
            )
            words += ["--background", polygons]
        return words + self.moreOptions(parameters, context)


def _methods():
    """Return what to offer; asking the program takes a moment, so the answer is kept."""
    if not _KNOWN:
        try:
            _KNOWN.extend(program.methods(program.find(executable_setting())))
        except program.ProgramError:  # told when the algorithm runs; until then any name may be typed
            return []
    return _KNOWN


_KNOWN = []
