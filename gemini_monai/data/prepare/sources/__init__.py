"""Adapters: what each download or folder looks like, as a ``Source``."""
