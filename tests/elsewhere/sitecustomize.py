"""Python imports this first of all, where its folder is in ``PYTHONPATH``."""

import limits

limits.put_on()
