"""Guards where structure comes in that others have made: what goes past them is plain, finite and at hand."""
