//! Locates the checksum-locked seL4 source, patches, configures and compiles it.
