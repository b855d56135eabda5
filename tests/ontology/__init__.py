"""The ontology, its shapes and its closure."""
