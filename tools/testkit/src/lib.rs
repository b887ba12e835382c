//! Starts machines, waits for their words, kills and restarts them.
