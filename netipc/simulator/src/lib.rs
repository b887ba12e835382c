//! Runs clusters of the protocol from a seed and checks its promises.
