"""How files take their place: whole or not at all, and what a killed process left is put in order."""
