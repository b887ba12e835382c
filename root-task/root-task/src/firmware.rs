//! `fw_cfg` by I/O ports (x86_64) or registers (aarch64).

#[cfg(target_arch = "x86_64")]
pub use ports::PortConfig;
#[cfg(target_arch = "aarch64")]
pub use registers::RegisterConfig;

#[cfg(target_arch = "x86_64")]
mod ports {
    use sel4::cap;

    use crate::error::{Error, Result};
    use crate::facts::FirmwareConfig;

    const SELECTOR: u16 = 0x510;
    const DATA: u16 = 0x511;

    /// `fw_cfg` of a PC.
    pub struct PortConfig(pub cap::IOPort);

    impl FirmwareConfig for PortConfig {
        fn select(&mut self, item: u16) -> Result<()> {
            self.0
                .ioport_out16(SELECTOR, item)
                .map_err(|_| Error::NoDevice("fw_cfg"))
        }

        fn byte(&mut self) -> Result<u8> {
            self.0
                .ioport_in8(DATA)
                .map_err(|_| Error::NoDevice("fw_cfg"))
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use crate::error::Result;
    use crate::facts::FirmwareConfig;
    use crate::objects::Objects;
    use builder::{Access, Window};

    /// Physical address of QEMU `virt`'s `fw_cfg`.
    const FW_CFG: u64 = 0x0902_0000;
    const DATA: u64 = 0;
    const SELECTOR: u64 = 8;

    /// `fw_cfg` of QEMU's `virt`.
    pub struct RegisterConfig {
        registers: u64,
    }

    impl RegisterConfig {
        /// Maps it.
        ///
        /// # Errors
        /// What the kernel refuses.
        pub fn new(objects: &mut Objects, window: &mut Window) -> Result<Self> {
            let frame = objects.device_page(FW_CFG)?;
            let registers = window.keep(objects, &[frame], Access::Device)?;
            Ok(Self { registers })
        }
    }

    impl FirmwareConfig for RegisterConfig {
        fn select(&mut self, item: u16) -> Result<()> {
            // SAFETY: a register of the page mapped in `new`; selecting an item touches no memory.
            unsafe { ((self.registers + SELECTOR) as *mut u16).write_volatile(item.to_be()) };
            Ok(())
        }

        fn byte(&mut self) -> Result<u8> {
            // SAFETY: a register of the page mapped in `new`; reading it moves the device's own index only.
            Ok(unsafe { ((self.registers + DATA) as *const u8).read_volatile() })
        }
    }
}
