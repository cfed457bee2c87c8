//! State files that are cut, mutated or replaced.
