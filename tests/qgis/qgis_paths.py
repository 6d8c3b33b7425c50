"""Where the plugin and the script for QGIS's Python are."""

from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "qgis"
LOADING = Path(__file__).with_name("loading.py")
