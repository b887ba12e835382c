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
                flags: register(sys::seL4_UnknownSyscall_FLAGS),
                syscall: register(sys::seL4_UnknownSyscall_Syscall),
                argument: register(sys::seL4_UnknownSyscall_RDI),
            }),
            sys::seL4_Fault_UserException_tag => Self::UserException(UserException {
                fault_ip: register(sys::seL4_UserException_FaultIP),
                sp: register(sys::seL4_UserException_SP),
                flags: register(sys::seL4_UserException_FLAGS),
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
    flags: Word,
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

    /// RFLAGS.
    #[must_use]
    pub const fn flags(&self) -> Word {
        self.flags
    }

    /// The number.
    #[must_use]
    pub const fn syscall(&self) -> Word {
        self.syscall
    }

    /// What was in the register of a function's first argument, RDI.
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
    flags: Word,
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

    /// RFLAGS.
    #[must_use]
    pub const fn flags(&self) -> Word {
        self.flags
    }

    /// The vector.
    #[must_use]
    pub const fn number(&self) -> Word {
        self.number
    }

    /// The error code.
    #[must_use]
    pub const fn code(&self) -> Word {
        self.code
    }
}
