"""Dense self-supervised learning from correspondence (GEMINI) for MONAI.

Rooms, from the ground up; each imports only from those before it: ``types``, ``errors``, ``files``,
``limits``, ``tables``, ``describe``, ``bundles``, ``warp``, ``world``, ``images``, ``runs``,
``losses``, ``networks``, ``metrics``, ``objectives``, ``transforms``, ``data`` (with ``streams``,
``prepare`` and ``prepare.sources``), ``inference``, ``engines``, ``handlers``, ``weights``,
``report``, ``configuration``, ``commands``.
"""

from __future__ import annotations

__version__ = "0.1.0"
