//! Nothing lives here: the benchmarks are beside it, one file each, and their published figures in `runs/`.
