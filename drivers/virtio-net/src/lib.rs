//! virtio network device over PCI and MMIO.
#![no_std]
