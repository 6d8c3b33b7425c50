"""Take the pictures of docs/guide/qgis.md, inside QGIS.

With the plugin in the profile and ``had`` on the path, in the folder of a ``had demo``::

    xvfb-run -s "-screen 0 1280x800x24" qgis --nologo --code /path/to/docs/qgis_screenshots.py

The pictures, window.png and dialog.png, appear in the working directory.
"""

import os
from pathlib import Path

import processing
from qgis.core import QgsProcessingContext, QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface

SCENE = str(Path("flightline.img").resolve())
KEPT = {"Layers", "ProcessingToolbox"}
dialogs = []


def load():
    """Run both algorithms and show the toolbox beside the map."""
    iface.addRasterLayer(SCENE, "flightline")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    for name, words in (
        ("detect", {"INPUT": SCENE, "OUTPUT": "shown.tif"}),
        ("places", {"INPUT": "shown.tif", "MIN_PIXELS": 2, "OUTPUT": "shown.geojson"}),
    ):
        processing.runAndLoadResults(f"had:{name}", words, context=context)
    iface.zoomFull()
    for dock in iface.mainWindow().findChildren(QDockWidget):
        dock.setVisible(dock.objectName() in KEPT)
        if dock.objectName() == "ProcessingToolbox":
            dock.searchBox.setText("anomal")
    QTimer.singleShot(4000, take_window)


def take_window():
    """Save the window, then open the dialog."""
    iface.mainWindow().grab().save("window.png")
    dialog = processing.createAlgorithmDialog("had:detect", {"INPUT": SCENE, "METHOD": "grx"})
    dialog.resize(900, 720)
    dialog.show()
    dialogs.append(dialog)
    QTimer.singleShot(2500, take_dialog)


def take_dialog():
    """Save the dialog and leave QGIS."""
    dialogs[0].grab().save("dialog.png")
    os._exit(0)  # without the question whether to save the project


QTimer.singleShot(6000, load)
