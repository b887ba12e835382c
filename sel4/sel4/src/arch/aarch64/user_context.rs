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
        &self.0.pc
    }

    /// The program counter.
    pub const fn pc_mut(&mut self) -> &mut Word {
        &mut self.0.pc
    }

    /// The stack pointer.
    #[must_use]
    pub const fn sp(&self) -> &Word {
        &self.0.sp
    }

    /// The stack pointer.
    pub const fn sp_mut(&mut self) -> &mut Word {
        &mut self.0.sp
    }

    /// General register `xN`.
    ///
    /// # Panics
    /// When `index` is 31 or more.
    #[must_use]
    pub const fn gpr(&self, index: usize) -> &Word {
        let r = &self.0;
        match index {
            0 => &r.x0,
            1 => &r.x1,
            2 => &r.x2,
            3 => &r.x3,
            4 => &r.x4,
            5 => &r.x5,
            6 => &r.x6,
            7 => &r.x7,
            8 => &r.x8,
            9 => &r.x9,
            10 => &r.x10,
            11 => &r.x11,
            12 => &r.x12,
            13 => &r.x13,
            14 => &r.x14,
            15 => &r.x15,
            16 => &r.x16,
            17 => &r.x17,
            18 => &r.x18,
            19 => &r.x19,
            20 => &r.x20,
            21 => &r.x21,
            22 => &r.x22,
            23 => &r.x23,
            24 => &r.x24,
            25 => &r.x25,
            26 => &r.x26,
            27 => &r.x27,
            28 => &r.x28,
            29 => &r.x29,
            30 => &r.x30,
            _ => panic!("there are 31 general registers"),
        }
    }

    /// General register `xN`.
    ///
    /// # Panics
    /// When `index` is 31 or more.
    pub const fn gpr_mut(&mut self, index: usize) -> &mut Word {
        let r = &mut self.0;
        match index {
            0 => &mut r.x0,
            1 => &mut r.x1,
            2 => &mut r.x2,
            3 => &mut r.x3,
            4 => &mut r.x4,
            5 => &mut r.x5,
            6 => &mut r.x6,
            7 => &mut r.x7,
            8 => &mut r.x8,
            9 => &mut r.x9,
            10 => &mut r.x10,
            11 => &mut r.x11,
            12 => &mut r.x12,
            13 => &mut r.x13,
            14 => &mut r.x14,
            15 => &mut r.x15,
            16 => &mut r.x16,
            17 => &mut r.x17,
            18 => &mut r.x18,
            19 => &mut r.x19,
            20 => &mut r.x20,
            21 => &mut r.x21,
            22 => &mut r.x22,
            23 => &mut r.x23,
            24 => &mut r.x24,
            25 => &mut r.x25,
            26 => &mut r.x26,
            27 => &mut r.x27,
            28 => &mut r.x28,
            29 => &mut r.x29,
            30 => &mut r.x30,
            _ => panic!("there are 31 general registers"),
        }
    }

    /// The register of the C calling convention's integer parameter `index`, 0 to 7.
    ///
    /// # Panics
    /// When `index` is 8 or more: further parameters have no register.
    #[must_use]
    pub const fn c_param(&self, index: usize) -> &Word {
        assert!(index < 8, "parameters beyond the eighth have no register");
        self.gpr(index)
    }

    /// As [`c_param`](Self::c_param).
    ///
    /// # Panics
    /// When `index` is 8 or more: further parameters have no register.
    pub const fn c_param_mut(&mut self, index: usize) -> &mut Word {
        assert!(index < 8, "parameters beyond the eighth have no register");
        self.gpr_mut(index)
    }
}
