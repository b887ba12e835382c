//! Tests on whole machines: see `tests/`.
#![forbid(unsafe_code)]
