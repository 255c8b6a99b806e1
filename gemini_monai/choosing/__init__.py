"""Which scans to label first, from their images alone."""
