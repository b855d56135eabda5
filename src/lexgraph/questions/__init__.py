"""Questions: models, resolution of codes, and the assembly of answers."""
