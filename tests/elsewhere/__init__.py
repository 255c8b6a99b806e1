"""A session with the package in an interpreter that lacks what Windows lacks.

``sitecustomize`` puts the limits of ``limits`` on a process before anything else runs in it, on
those that it starts, and on their workers. No Windows is needed, and none is replaced: what Windows
does otherwise and nobody wrote down here is not seen.
"""
