//! The `#[root_task]` attribute.
