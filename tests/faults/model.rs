//! The state against a model in memory, with random interleavings and kills.
