//! Power cuts, on a file system of our own.
