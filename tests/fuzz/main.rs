//! Everything that reads foreign bytes, with millions of mutated inputs, in the ordinary test run.
