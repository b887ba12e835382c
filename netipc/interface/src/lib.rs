//! What a component may ask of netipc: by typed calls that netipc's proxy answers at once, from what it knows.
//!
//! It never calls anybody else, so a server that faces peers may make these calls. Applications need none of them: they look
//! a name up, and call what they get. Next: `docs/naming.md`, `docs/netipc.md`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{error_codes, interface};

error_codes! {
    /// Why netipc refuses.
    pub enum NetipcError {
        /// There is no such machine in this cluster, or it is this one.
        NoSuchNode = 1, "there is no such peer";
        /// Its tables are full.
        Overload = 2, "netipc has no room for another import";
        /// The asker may not have it.
        NotPermitted = 3, "the caller has no right to it";
    }
}

interface! {
    /// netipc, as its neighbours on the machine see it.
    pub interface Netipc as "netipc", client NetipcClient, error NetipcError {
        /// The naming of machine `node`: export 0 of whatever session there is, or will be when it is called. It does not wait for
        /// the machine; whether it can be reached is seen when the capability is called. For naming only.
        0 => call peer(node: u8) gives capability;
    }
}
