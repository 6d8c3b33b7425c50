"""Run by QGIS's own Python: detect and places as the toolbox runs them, the layers loaded into a project.

``loading.py PLUGINS SCENE FOLDER`` prints what was loaded as JSON on its last line.
"""

import json
import sys

from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject

plugins, scene, folder = sys.argv[1:]
sys.path.insert(0, plugins)
application = QgsApplication([], False)
application.initQgis()

import processing  # noqa: E402 - needs the application
from had_processing import classFactory  # noqa: E402
from processing.core.Processing import Processing  # noqa: E402

Processing.initialize()
plugin = classFactory(None)
plugin.initProcessing()
context = QgsProcessingContext()
context.setProject(QgsProject.instance())
context.setFeedback(feedback := QgsProcessingFeedback())
percents = []
feedback.progressChanged.connect(percents.append)
scores = f"{folder}/scores.tif"
processing.runAndLoadResults(
    "had:detect", {"INPUT": scene, "METHOD": "grx", "OUTPUT": scores}, feedback=feedback, context=context
)
processing.runAndLoadResults(
    "had:places", {"INPUT": scores, "SCENE": scene, "OUTPUT": f"{folder}/places.geojson"}, context=context
)
loaded = {}
for layer in QgsProject.instance().mapLayers().values():
    known = {"valid": layer.isValid(), "source": layer.source(), "crs": layer.crs().authid()}
    renderer = layer.renderer()
    known["renderer"] = renderer.type()
    if hasattr(renderer, "shader"):
        ramp = renderer.shader().rasterShaderFunction()
        known["colours"] = [item.color.name() for item in ramp.colorRampItemList()]
        known |= {"low": renderer.classificationMin(), "high": renderer.classificationMax()}
    else:
        known |= {"features": layer.featureCount()}
        known |= {"fields": [field.name() for field in layer.fields()]}
        known |= {"outline": renderer.symbol().symbolLayer(0).strokeColor().name()}
    loaded[layer.name()] = known
print(json.dumps({"layers": loaded, "percents": percents}))
plugin.unload()
application.exitQgis()
