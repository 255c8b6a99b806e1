"""The reproduction kit: compared methods, the benchmark, and the paper's analyses."""
