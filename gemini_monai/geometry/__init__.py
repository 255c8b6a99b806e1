"""Where points lie: shapes of arrays, warps, labels, and world coordinates."""
