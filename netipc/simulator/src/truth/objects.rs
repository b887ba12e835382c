//! What is exported, handed on, given up and revoked, by everybody's account.

use netipc_protocol::Instant;

use super::{Check, Checker, Truth};
use crate::Violation;

/// What is exported to one peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lent {
    /// Its importer has given it up.
    given_up: bool,
    /// Its exporter has revoked it.
    revoked: bool,
    /// Something that was handed on from it, or from what that was, is revoked.
    partly_revoked: bool,
    /// What it was handed on from.
    parent: Option<u64>,
    /// Whether something was handed on from it.
    handed_on: bool,
    /// The machine that exports it.
    pub(super) home: usize,
}

impl Truth {
    /// The number of the next object that is exported.
    pub(crate) fn next_object(&self) -> u64 {
        self.lent.len().max(1) as u64
    }

    /// It is exported by a machine.
    pub(crate) fn exported(&mut self, home: usize) {
        let object = self.next_object() as usize;
        self.lent.resize(object + 1, Lent::default());
        self.lent[object].home = home;
    }

    /// It is exported, handed on from another.
    pub(crate) fn handed_on(&mut self, home: usize, from: u64) -> u64 {
        let object = self.next_object();
        self.exported(home);
        self.lent[object as usize].parent = Some(from);
        self.lent[from as usize].handed_on = true;
        object
    }

    /// What an export was made for in the first place.
    pub(crate) fn origin(&self, mut object: u64) -> u64 {
        while let Some(parent) = self.parent(object) {
            object = parent;
        }
        object
    }

    /// What an export was handed on from.
    pub(crate) fn parent(&self, object: u64) -> Option<u64> {
        self.lent.get(object as usize)?.parent
    }

    /// Whether an export, or one that it was handed on from, is this one.
    fn is_below(&self, mut object: u64, top: u64) -> bool {
        while object != top {
            match self.parent(object) {
                Some(parent) => object = parent,
                None => return false,
            }
        }
        true
    }

    /// An importer gives an object up.
    pub(crate) fn given_up(&mut self, object: u64) {
        self.lent[object as usize].given_up = true;
    }

    /// Its exporter revokes an object, and with it what was handed on from it.
    pub(crate) fn revoked(&mut self, object: u64) {
        for other in 0..self.lent.len() as u64 {
            if self.is_below(other, object) {
                let origin = self.origin(other) as usize;
                self.lent[other as usize].revoked = true;
                self.lent[origin].partly_revoked = true;
            }
        }
    }

    /// A worker took a call and nobody received it: what went with it may have been handed on already, and its caller ends it by revocation.
    pub(super) fn withdrawn(&mut self, call: usize) {
        if let Some(object) = self.calls[call].sends {
            let origin = self.origin(object) as usize;
            self.lent[origin].partly_revoked = true;
        }
    }

    /// The importer has said that nobody there has it: nobody may hold it.
    pub(crate) fn completed(&self, now: Instant, object: u64, holder: Option<usize>) -> Check {
        // What a machine holds that was handed on is not known so exactly here.
        let alone = self
            .lent
            .get(self.origin(object) as usize)
            .is_some_and(|lent| !lent.handed_on);
        match holder {
            Some(node) if alone => Err(Violation {
                checker: Checker::Revocation,
                at: now,
                call: None,
                what: format!("the revocation of object {object} is complete, and {node} holds it"),
            }),
            _ => Ok(()),
        }
    }

    /// Whether its exporter has revoked it, or what was handed on from it.
    pub(crate) fn may_be_revoked(&self, object: u64) -> bool {
        self.lent
            .get(self.origin(object) as usize)
            .is_some_and(|lent| lent.revoked || lent.partly_revoked)
            || self.is_revoked(object)
    }

    /// Whether its exporter has revoked it.
    pub(crate) fn is_revoked(&self, object: u64) -> bool {
        self.lent
            .get(object as usize)
            .is_some_and(|lent| lent.revoked)
    }

    pub(super) fn is_gone(&self, object: u64) -> bool {
        self.lent
            .get(object as usize)
            .is_some_and(|lent| lent.revoked || lent.given_up)
            || self.may_be_revoked(object)
    }
}
