use core::fmt;

use crate::{Fault, IpcBuffer, MessageInfo, Word, sys};

impl Fault {
    /// The fault that a message from the kernel reports. Corresponds to `seL4_getFault`.
    ///
    /// A label that is no fault's gives [`Fault::NullFault`].
    #[must_use]
    pub fn new(ipc_buffer: &IpcBuffer, info: &MessageInfo) -> Self {
        let register = |index: u64| ipc_buffer.msg_regs()[index as usize].get();
        match info.label() {
            sys::seL4_Fault_CapFault_tag => Self::CapFault(CapFault {
                ip: register(sys::seL4_CapFault_IP),
                addr: register(sys::seL4_CapFault_Addr),
                in_recv_phase: register(sys::seL4_CapFault_InRecvPhase) != 0,
                lookup_failure_type: register(sys::seL4_CapFault_LookupFailureType),
            }),
            sys::seL4_Fault_VMFault_tag => Self::VmFault(VmFault {
                ip: register(sys::seL4_VMFault_IP),
                addr: register(sys::seL4_VMFault_Addr),
                is_prefetch: register(sys::seL4_VMFault_PrefetchFault) != 0,
                fsr: register(sys::seL4_VMFault_FSR),
            }),
            label => Self::from_arch(label, register),
        }
    }
}

/// No fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NullFault(());

impl NullFault {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// A capability pointer led nowhere. Corresponds to `seL4_Fault_CapFault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapFault {
    ip: Word,
    addr: Word,
    in_recv_phase: bool,
    lookup_failure_type: Word,
}

impl CapFault {
    /// The instruction.
    #[must_use]
    pub const fn ip(&self) -> Word {
        self.ip
    }

    /// The capability pointer.
    #[must_use]
    pub const fn addr(&self) -> Word {
        self.addr
    }

    /// Whether it happened while receiving.
    #[must_use]
    pub const fn in_recv_phase(&self) -> bool {
        self.in_recv_phase
    }

    /// Why the look-up failed, as the kernel numbers it (`seL4_LookupFailureType`).
    #[must_use]
    pub const fn lookup_failure_type(&self) -> Word {
        self.lookup_failure_type
    }
}

/// An access to memory that is not mapped or not allowed. Corresponds to `seL4_Fault_VMFault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmFault {
    ip: Word,
    addr: Word,
    is_prefetch: bool,
    fsr: Word,
}

impl VmFault {
    /// The instruction.
    #[must_use]
    pub const fn ip(&self) -> Word {
        self.ip
    }

    /// The address.
    #[must_use]
    pub const fn addr(&self) -> Word {
        self.addr
    }

    /// Whether it was an instruction that was fetched.
    #[must_use]
    pub const fn is_prefetch(&self) -> bool {
        self.is_prefetch
    }

    /// The architecture's own description: error code or syndrome.
    #[must_use]
    pub const fn fsr(&self) -> Word {
        self.fsr
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullFault(_) => f.write_str("no fault"),
            Self::CapFault(fault) => {
                let phase = if fault.in_recv_phase {
                    "receiving"
                } else {
                    "sending"
                };
                write!(
                    f,
                    "capability fault at {:#x}: no capability {:#x} while {phase}",
                    fault.ip, fault.addr
                )
            }
            Self::UnknownSyscall(fault) => {
                write!(
                    f,
                    "unknown system call {} at {:#x}",
                    fault.syscall().cast_signed(),
                    fault.fault_ip()
                )
            }
            Self::UserException(fault) => {
                write!(
                    f,
                    "exception {} (code {:#x}) at {:#x}",
                    fault.number(),
                    fault.code(),
                    fault.fault_ip()
                )
            }
            Self::VmFault(fault) => {
                let access = if fault.is_prefetch {
                    "fetching from"
                } else {
                    "accessing"
                };
                write!(
                    f,
                    "page fault at {:#x}: {access} {:#x} (status {:#x})",
                    fault.ip, fault.addr, fault.fsr
                )
            }
        }
    }
}
