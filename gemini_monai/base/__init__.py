"""What knows nothing of images: errors, files, tables, limits, bundles, and what is trusted."""
