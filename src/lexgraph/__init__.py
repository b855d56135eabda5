"""lexgraph: an open knowledge graph of jurisdictions, treaties and offence mappings."""

__version__ = "0.1.0"
