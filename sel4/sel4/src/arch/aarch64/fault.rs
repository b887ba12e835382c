use crate::{CapFault, NullFault, VmFault, Word, sys};

/// Why a thread stopped. Corresponds to `seL4_Fault_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None.
    NullFault(NullFault),
    /// A capability pointer led nowhere.
    CapFault(CapFault),
    /// A system call that there is not.
    UnknownSyscall(UnknownSyscall),
    /// An exception of the processor.
    UserException(UserException),
    /// An access to memory that is not mapped or not allowed.
    VmFault(VmFault),
}

impl Fault {
    pub(crate) fn from_arch(label: Word, register: impl Fn(u64) -> Word) -> Self {
        match label {
            sys::seL4_Fault_UnknownSyscall_tag => Self::UnknownSyscall(UnknownSyscall {
                fault_ip: register(sys::seL4_UnknownSyscall_FaultIP),
                sp: register(sys::seL4_UnknownSyscall_SP),
                spsr: register(sys::seL4_UnknownSyscall_SPSR),
                syscall: register(sys::seL4_UnknownSyscall_Syscall),
                argument: register(sys::seL4_UnknownSyscall_X0),
            }),
            sys::seL4_Fault_UserException_tag => Self::UserException(UserException {
                fault_ip: register(sys::seL4_UserException_FaultIP),
                sp: register(sys::seL4_UserException_SP),
                spsr: register(sys::seL4_UserException_SPSR),
                number: register(sys::seL4_UserException_Number),
                code: register(sys::seL4_UserException_Code),
            }),
            _ => Self::NullFault(NullFault::new()),
        }
    }
}

/// A system call that there is not. Corresponds to `seL4_Fault_UnknownSyscall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSyscall {
    fault_ip: Word,
    sp: Word,
    spsr: Word,
    syscall: Word,
    argument: Word,
}

impl UnknownSyscall {
    /// The instruction.
    #[must_use]
    pub const fn fault_ip(&self) -> Word {
        self.fault_ip
    }

    /// The stack pointer.
    #[must_use]
    pub const fn sp(&self) -> Word {
        self.sp
    }

    /// SPSR.
    #[must_use]
    pub const fn spsr(&self) -> Word {
        self.spsr
    }

    /// The number.
    #[must_use]
    pub const fn syscall(&self) -> Word {
        self.syscall
    }

    /// What was in the register of a function's first argument, X0.
    #[must_use]
    pub const fn argument(&self) -> Word {
        self.argument
    }
}

/// An exception of the processor. Corresponds to `seL4_Fault_UserException`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserException {
    fault_ip: Word,
    sp: Word,
    spsr: Word,
    number: Word,
    code: Word,
}

impl UserException {
    /// The instruction.
    #[must_use]
    pub const fn fault_ip(&self) -> Word {
        self.fault_ip
    }

    /// The stack pointer.
    #[must_use]
    pub const fn sp(&self) -> Word {
        self.sp
    }

    /// SPSR.
    #[must_use]
    pub const fn spsr(&self) -> Word {
        self.spsr
    }

    /// The kernel's number for the exception.
    #[must_use]
    pub const fn number(&self) -> Word {
        self.number
    }

    /// The syndrome.
    #[must_use]
    pub const fn code(&self) -> Word {
        self.code
    }
}
