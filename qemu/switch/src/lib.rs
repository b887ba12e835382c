//! A virtual Ethernet switch that learns, hurts on purpose, and records.
