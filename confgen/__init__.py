"""confgen: the nginx or HAProxy you already know follows your containers."""

__version__ = "0.1.0"
