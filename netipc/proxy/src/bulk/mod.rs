//! Lent memory: what components of this machine lend, and what its servers borrow. The prose is in `docs/bulk.md`.

mod borrow;
mod lend;

use isthmus_runtime::memory::Mapping;
use isthmus_runtime::{Thread, thread};
use netipc_interface::{Access, Terms};
use netipc_protocol::bulk::{Arrived, Chunk, Loan, Place};
use netipc_protocol::{Execution, Instant};
use netipc_proxy_logic::Table;
use netipc_proxy_logic::limits::{BORROWED, LOANS, SLICE_CHUNKS, TRANSFERS};
use netipc_proxy_logic::share::Ask;

use crate::capability::Capabilities;
use crate::link::More;
use crate::mapper::{self, Done, Errand, Whose};
use crate::proxy::Proxy;

pub use borrow::Moving;
pub use lend::Lent;

/// Set in the name of memory that a transfer of ours uses; that of a loan is its row.
const TRANSFER: u64 = 1 << 32;

/// Everything that is lent, borrowed and moved.
pub struct Bulk {
    pub(super) loans: Table<Lent, LOANS>,
    pub(super) borrowed: Table<Borrowed, BORROWED>,
    pub(super) moving: Table<Moving, TRANSFERS>,
    /// Who maps; `None`: the description gives no memory.
    mapper: Option<Thread>,
}

/// A loan of a peer's, for as long as its request is at work.
pub struct Borrowed {
    execution: Execution,
    loan: Loan,
    capabilities: Capabilities,
}

/// A loan's place among the protocol's names for memory.
const fn loan_place(row: usize) -> Place {
    Place(row as u64)
}

/// That of a transfer's memory.
const fn transfer_place(row: usize) -> Place {
    Place(TRANSFER | row as u64)
}

const fn terms(loan: Loan) -> Terms {
    use netipc_protocol::bulk::Access as Given;
    Terms {
        length: loan.length,
        access: match loan.access {
            Given::Read => Access::Read,
            Given::Write => Access::Write,
            Given::ReadWrite => Access::ReadWrite,
        },
    }
}

impl Bulk {
    /// Nothing is lent, and nobody maps.
    pub const NEW: Self = Self {
        loans: Table::new(),
        borrowed: Table::new(),
        moving: Table::new(),
        mapper: None,
    };

    /// This thread maps from now on.
    pub fn open(&mut self, mapper: Thread) -> Result<(), thread::Error> {
        mapper.restart(mapper::run, 0)?;
        self.mapper = Some(mapper);
        Ok(())
    }

    /// Rows that are in use.
    pub const fn rows(&self) -> usize {
        self.loans.len() + self.borrowed.len() + self.moving.len()
    }

    /// Whether anything is lent by a component of this machine.
    pub const fn lends(&self) -> bool {
        !self.loans.is_empty()
    }

    /// Whether bytes are moved between components of this machine.
    fn copies(&self) -> bool {
        !self.moving.is_empty() && self.moving.iter().any(|(_, moving)| moving.is_here())
    }

    fn errand(&self, errand: Errand) {
        mapper::post(errand);
        if let Some(mapper) = self.mapper {
            mapper.notification().signal();
        }
    }

    /// The memory that a name of the protocol's stands for, and where in it that begins.
    fn memory(&self, place: Place) -> Option<(&Mapping, u64)> {
        if place.0 & TRANSFER == 0 {
            let lent = self.loans.get(place.0 as usize)?;
            return Some((lent.mapping.as_ref()?, lent.offset));
        }
        let moving = self.moving.get((place.0 & !TRANSFER) as usize)?;
        Some((moving.mapping.as_ref()?, 0))
    }

    /// Reads a chunk that is to be sent.
    pub fn read(&self, chunk: &Chunk, bytes: &mut [u8]) {
        let memory = self.memory(chunk.place);
        // The protocol asks only for what is lent or being moved, and that stays mapped as long; what cannot be read is sent as zeroes.
        let read = memory.and_then(|(mapping, base)| {
            let memory = mapping.memory()?;
            memory.read((base + chunk.offset) as usize, bytes).ok()
        });
        debug_assert!(read.is_some(), "what is sent is mapped");
    }

    /// Writes a chunk that has come.
    pub fn write(&self, arrived: &Arrived, bytes: &[u8]) {
        let memory = self.memory(arrived.place);
        let written = memory.and_then(|(mapping, base)| {
            let memory = mapping.memory()?;
            memory.write((base + arrived.offset) as usize, bytes).ok()
        });
        debug_assert!(written.is_some(), "what is written is mapped");
    }
}

impl Proxy {
    /// Takes what the mapper has done.
    pub(crate) fn take_mapped(&mut self) {
        while let Some(done) = mapper::next_done() {
            match done {
                Done::Mapped(Whose::Loan(row), mapping) => self.loan_mapped(row, mapping),
                Done::Mapped(Whose::Transfer(row), mapping) => self.transfer_mapped(row, mapping),
                Done::Unmapped(Whose::Loan(row)) => self.loan_unmapped(row),
                Done::Unmapped(Whose::Transfer(row)) => self.transfer_unmapped(row),
            }
        }
    }

    /// Does a slice of the work with lent memory: opens chunks that have come, and moves bytes between components of this machine.
    pub(crate) fn take_slice(&mut self, now: Instant) {
        for _ in 0..SLICE_CHUNKS {
            let Some((from, frame)) = self.backlog.take() else {
                break;
            };
            match self.protocol.take_frame(now, from, frame) {
                Ok(_) => {
                    if let Some(arrived) = self.protocol.arrived(now) {
                        let bytes = frame.get(arrived.in_frame.clone()).unwrap_or(&[]);
                        self.bulk.write(&arrived, bytes);
                        self.statistics.chunks_in += 1;
                    }
                    self.statistics.frames_in += 1;
                }
                Err(dropped) => self.count_dropped(dropped),
            }
        }
        if !self.bulk.moving.is_empty() {
            self.copy_some();
        }
    }

    /// Work with lent memory is left, or none (`More::No`): it goes on when there is time for it.
    pub(crate) fn leave_slice(&mut self, now: Instant, to_send: More) {
        let left = to_send == More::Perhaps || !self.backlog.is_empty() || self.bulk.copies();
        if !left || self.share.wants(now) == Ask::Nobody {
            return;
        }
        match self.linger {
            Some(linger) => linger.tell_when_idle(),
            // Nobody could say that the machine is idle.
            None => self.share.idle(),
        }
    }
}
