use crate::{Word, sys};

/// A thread's registers. Corresponds to `seL4_UserContext`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct UserContext(pub(crate) sys::seL4_UserContext);

impl UserContext {
    /// All registers by name.
    #[must_use]
    pub const fn inner(&self) -> &sys::seL4_UserContext {
        &self.0
    }

    /// All registers by name.
    pub const fn inner_mut(&mut self) -> &mut sys::seL4_UserContext {
        &mut self.0
    }

    /// The program counter.
    #[must_use]
    pub const fn pc(&self) -> &Word {
        &self.0.rip
    }

    /// The program counter.
    pub const fn pc_mut(&mut self) -> &mut Word {
        &mut self.0.rip
    }

    /// The stack pointer.
    #[must_use]
    pub const fn sp(&self) -> &Word {
        &self.0.rsp
    }

    /// The stack pointer.
    pub const fn sp_mut(&mut self) -> &mut Word {
        &mut self.0.rsp
    }

    /// The base of thread-local storage (FS). This kernel sets it by nothing else, and no thread sets its own.
    #[must_use]
    pub const fn tls_base(&self) -> &Word {
        &self.0.tls_base
    }

    /// The base of thread-local storage (FS).
    pub const fn tls_base_mut(&mut self) -> &mut Word {
        &mut self.0.tls_base
    }

    /// The register of the C calling convention's integer parameter `index`, 0 to 5.
    ///
    /// # Panics
    /// When `index` is 6 or more: further parameters have no register.
    #[must_use]
    pub const fn c_param(&self, index: usize) -> &Word {
        match index {
            0 => &self.0.rdi,
            1 => &self.0.rsi,
            2 => &self.0.rdx,
            3 => &self.0.rcx,
            4 => &self.0.r8,
            5 => &self.0.r9,
            _ => panic!("parameters beyond the sixth have no register"),
        }
    }

    /// As [`c_param`](Self::c_param).
    ///
    /// # Panics
    /// When `index` is 6 or more: further parameters have no register.
    pub const fn c_param_mut(&mut self, index: usize) -> &mut Word {
        match index {
            0 => &mut self.0.rdi,
            1 => &mut self.0.rsi,
            2 => &mut self.0.rdx,
            3 => &mut self.0.rcx,
            4 => &mut self.0.r8,
            5 => &mut self.0.r9,
            _ => panic!("parameters beyond the sixth have no register"),
        }
    }
}
