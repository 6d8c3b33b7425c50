"""How maps and places look once they are loaded: style files, and the range of the colours."""

from pathlib import Path

from qgis.core import QgsColorRampShader, QgsProcessingLayerPostProcessorInterface, QgsRasterLayer

STYLES = Path(__file__).with_name("styles")
# Of the scores: what the ends of the colours stand for. The top is left to the few that are anomalous.
LOW, HIGH = 0.02, 0.999
SAMPLE = 250_000  # pixels


def styled(path, style, context):
    """Have the layer of ``path`` styled, if the user wants it loaded."""
    if path and context.willLoadLayerOnCompletion(path):
        details = context.layerToLoadOnCompletionDetails(path)
        processor = Styled(style)
        _KEPT.append(processor)  # Processing takes no hold of it
        details.setPostProcessor(processor)


def apply(layer, style):
    """Give ``layer`` the style of that name, scores over their own range.

    Returns
    -------
    bool : whether the style could be loaded
    """
    _, loaded = layer.loadNamedStyle(str(STYLES / f"{style}.qml"))
    if loaded and isinstance(layer, QgsRasterLayer):
        _stretch(layer)
    layer.triggerRepaint()
    return loaded


def _stretch(layer):
    """Move the colours, which the file has between 0 and 1, to the range of the scores."""
    low, high = layer.dataProvider().cumulativeCut(1, LOW, HIGH, layer.extent(), SAMPLE)
    renderer = layer.renderer()
    ramp = renderer.shader().rasterShaderFunction()
    if not high > low:  # every pixel has one score
        return
    ramp.setColorRampItemList(
        [
            QgsColorRampShader.ColorRampItem(
                low + item.value * (high - low), item.color, f"{low + item.value * (high - low):.4g}"
            )
            for item in ramp.colorRampItemList()
        ]
    )
    ramp.setMinimumValue(low)
    ramp.setMaximumValue(high)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)


class Styled(QgsProcessingLayerPostProcessorInterface):
    """Applies a style to a layer that Processing has loaded."""

    def __init__(self, style):
        super().__init__()
        self.style = style

    def postProcessLayer(self, layer, _context, feedback):
        """Style the layer; Processing calls this."""
        if not apply(layer, self.style):
            feedback.pushWarning(f"{layer.name()}: the style {self.style}.qml cannot be loaded")


_KEPT = []
