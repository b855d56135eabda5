"""The HTTP face: the same answers as the command line, over HTTP, beside SPARQL, entities and bulk files.

`create_app` makes the application. A module holds one group of routes, or one thing that all of them share.
"""

from lexgraph.api.app import create_app

__all__ = ["create_app"]
