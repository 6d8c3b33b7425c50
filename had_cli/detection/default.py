"""The method that runs where none is named: a setting of the product, not a case in the code."""

DEFAULT_METHOD = "ssf"
