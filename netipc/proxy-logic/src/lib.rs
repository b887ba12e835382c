//! What the netipc proxy decides and remembers, without the kernel: badges, tables, the workers' queue, the alarm, the clock,
//! the mailboxes, what a server's answer becomes, which revocations are not confirmed, what may go to which machine, who waits
//! for the view's majority, when there is time for lent memory.
//!
//! It never makes a system call and never allocates; slots, executions and imports are values that it is handed. The thin
//! shell around it is `netipc-proxy`; the states are in `docs/proxy.md`; what is true about a call decides
//! `netipc-protocol`.
#![no_std]
#![forbid(unsafe_code)]

pub mod alarm;
pub mod answer;
pub mod backlog;
pub mod badge;
pub mod clock;
pub mod desk;
pub mod exports;
pub mod homes;
pub mod imports;
pub mod limits;
pub mod mailbox;
pub mod nonces;
pub mod patience;
pub mod policy;
pub mod revocations;
pub mod share;
pub mod table;
pub mod work;

pub use alarm::Alarm;
pub use answer::Judgement;
pub use backlog::Backlog;
pub use badge::Caller;
pub use clock::Clock;
pub use desk::Desk;
pub use exports::Exports;
pub use homes::Waiting;
pub use imports::Imports;
pub use mailbox::Mailbox;
pub use nonces::Nonces;
pub use patience::Patience;
pub use policy::Policy;
pub use revocations::Revocations;
pub use share::Share;
pub use table::Table;
pub use work::Work;
