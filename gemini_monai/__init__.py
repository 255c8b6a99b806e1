"""Dense self-supervised learning from correspondence (GEMINI) for MONAI.

Rooms, from the ground up; each imports only from those before it: ``types``, ``errors``, ``warp``,
``losses``, ``networks``, ``objectives``, ``metrics``, ``data``, ``engines``, ``weights``,
``configuration``, ``report``.
"""

from __future__ import annotations

__version__ = "0.1.0"
