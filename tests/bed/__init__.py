"""The test bed: a Docker engine, Compose, real proxies and tiny web servers, from whatever this machine has.

It is stdlib only, since it runs before any virtual environment exists. On a machine with an engine and a registry it
uses those; on a bare Debian it installs an engine, starts a private one and builds stand-ins for the images that the
examples name. `python3 -m tests.bed --help` is the door; README.md in this folder tells the rest.
"""
