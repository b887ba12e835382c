//! PCI configuration space: enumeration and virtio capability parsing, pure.
#![no_std]
