//! Every system call on the path of the state, failing in turn.
