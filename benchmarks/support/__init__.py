"""What the benchmarks share: origins to measure against, ways to them, and small programs to be measured."""
