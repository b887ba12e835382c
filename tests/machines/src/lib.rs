//! Scenarios on real machines, one file each.
