//! The system description: TOML, checked with line and column.
