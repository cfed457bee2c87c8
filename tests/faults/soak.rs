//! Mixed traffic for as long as asked: nothing lost, and memory, descriptors and threads flat.
