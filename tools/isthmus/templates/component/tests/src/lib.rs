//! Tests on whole machines: see `tests/`.
