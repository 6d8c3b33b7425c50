"""QGIS plugin: had in the Processing toolbox."""


def classFactory(_iface):
    """Return the plugin; QGIS calls this."""
    from .plugin import HadPlugin

    return HadPlugin()
