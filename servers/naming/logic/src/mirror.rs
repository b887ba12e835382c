//! What the peers have: their cluster-wide names, as they told them.

use core::time::Duration;

use heapless::Vec;
use isthmus_abi::limits::NODES;
use naming_interface::{Claims, Path};

use crate::limits::{ASK_AGAIN, CLAIMS, MIRRORED};
use crate::{Time, drift};

#[derive(Debug)]
struct Claimed {
    node: u8,
    path: Path,
    ends: Time,
}

/// How far a machine has been asked for its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Pull {
    /// It is not being asked.
    #[default]
    Idle,
    /// It is to be asked.
    Wanted,
    /// A page was asked for, which begins after this.
    Asked(Option<Path>),
    /// So it was, and it has changed since: its names have to be asked for again.
    AskedAndChanged(Option<Path>),
    /// The next page is to be asked for, which begins after this.
    Next(Path),
}

#[derive(Debug, Default)]
struct Peer {
    incarnation: Option<u64>,
    pull: Pull,
    told: Told,
    /// When it was asked for the first page last.
    asked: Option<Time>,
}

/// Whether a peer has told all its names, and none of what it told was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    No,
    All,
}

#[derive(Debug)]
pub(crate) struct Mirror {
    here: u8,
    nodes: u8,
    claims: Vec<Claimed, MIRRORED>,
    peers: [Peer; NODES],
}

/// Told of each path that a machine has, or has no more.
pub(crate) type Changed<'a> = &'a mut dyn FnMut(&Path);

impl Mirror {
    pub(crate) const fn new() -> Self {
        const PEER: Peer = Peer {
            incarnation: None,
            pull: Pull::Idle,
            told: Told::No,
            asked: None,
        };
        Self {
            here: 1,
            nodes: 1,
            claims: Vec::new(),
            peers: [PEER; NODES],
        }
    }

    pub(crate) fn begin(&mut self, here: u8, nodes: u8) {
        self.here = here;
        self.nodes = nodes.min(NODES as u8);
        for node in self.nodes() {
            self.want(node);
        }
    }

    /// The other machines.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u8> + use<> {
        let here = self.here;
        (1..=self.nodes).filter(move |&node| node != here)
    }

    fn peer(&mut self, node: u8) -> Option<&mut Peer> {
        if node == self.here || node > self.nodes {
            return None;
        }
        self.peers.get_mut(usize::from(node).checked_sub(1)?)
    }

    /// A machine is to be asked for its names.
    pub(crate) fn want(&mut self, node: u8) {
        if let Some(peer) = self.peer(node) {
            peer.pull = match core::mem::take(&mut peer.pull) {
                Pull::Asked(after) | Pull::AskedAndChanged(after) => Pull::AskedAndChanged(after),
                Pull::Idle | Pull::Wanted | Pull::Next(_) => Pull::Wanted,
            };
        }
    }

    /// The next machine to be asked, and after which path its page is to begin.
    pub(crate) fn next(&mut self, now: Time) -> Option<(u8, Option<Path>)> {
        self.nodes().find_map(|node| {
            let peer = self.peer(node)?;
            let after = match &peer.pull {
                Pull::Wanted => {
                    peer.asked = Some(now);
                    None
                }
                Pull::Next(after) => Some(after.clone()),
                Pull::Idle | Pull::Asked(_) | Pull::AskedAndChanged(_) => return None,
            };
            peer.pull = Pull::Asked(after.clone());
            Some((node, after))
        })
    }

    /// What was asked for could not be asked after all.
    pub(crate) fn put_back(&mut self, node: u8) {
        self.failed(node);
        self.want(node);
    }

    /// A machine did not tell.
    pub(crate) fn failed(&mut self, node: u8) {
        if let Some(peer) = self.peer(node) {
            peer.told = Told::No;
            peer.pull = match peer.pull {
                Pull::AskedAndChanged(_) => Pull::Wanted,
                _ => Pull::Idle,
            };
        }
    }

    /// A machine told a page of its names.
    pub(crate) fn page(&mut self, now: Time, node: u8, page: &Claims, changed: Changed<'_>) {
        let Some(peer) = self.peer(node) else { return };
        let (after, again) = match core::mem::take(&mut peer.pull) {
            Pull::Asked(after) => (after, false),
            Pull::AskedAndChanged(after) => (after, true),
            other => {
                peer.pull = other;
                return;
            }
        };
        let same = peer.incarnation.replace(page.incarnation) == Some(page.incarnation);
        if !same && after.is_some() {
            // It was started anew in between: from the beginning.
            peer.pull = Pull::Wanted;
            return;
        }
        let next = page.next().cloned();
        match (&next, again) {
            (_, true) => peer.pull = Pull::Wanted,
            (Some(last), false) => peer.pull = Pull::Next(last.clone()),
            (None, false) => peer.told = Told::All,
        }
        let covered = |path: &Path| {
            after.as_ref().is_none_or(|after| path > after)
                && next.as_ref().is_none_or(|next| path <= next)
        };
        self.forget(changed, |claimed| {
            claimed.node == node
                && covered(&claimed.path)
                && !page.claims.iter().any(|claim| claim.path == claimed.path)
        });
        for claim in page.claims.iter().filter(|claim| covered(&claim.path)) {
            let left = Duration::from_millis(claim.left.into());
            self.note(
                node,
                &claim.path,
                now.after(left).after(drift(left)),
                changed,
            );
        }
    }

    fn note(&mut self, node: u8, path: &Path, ends: Time, changed: Changed<'_>) {
        let mut of_it = self.claims.iter_mut().filter(|c| c.node == node);
        if let Some(claimed) = of_it.find(|c| c.path == *path) {
            claimed.ends = ends;
            return;
        }
        // One that has more than it may have is not believed the rest.
        if self.claims.iter().filter(|c| c.node == node).count() < CLAIMS {
            let claimed = Claimed {
                node,
                path: path.clone(),
                ends,
            };
            if self.claims.push(claimed).is_ok() {
                changed(path);
            }
        }
    }

    fn forget(&mut self, changed: Changed<'_>, which: impl Fn(&Claimed) -> bool) {
        self.claims.retain(|claimed| {
            let gone = which(claimed);
            if gone {
                changed(&claimed.path);
            }
            !gone
        });
    }

    /// A machine has a name no more, it says; there may be more to learn.
    pub(crate) fn disown(&mut self, node: u8, path: &Path, changed: Changed<'_>) {
        self.forget(changed, |claimed| {
            claimed.node == node && claimed.path == *path
        });
        if let Some(peer) = self.peer(node) {
            peer.told = Told::No;
        }
        self.want(node);
    }

    /// What the peers told, and did not renew, is forgotten; and that they told all.
    pub(crate) fn expire(&mut self, now: Time, changed: Changed<'_>) {
        for at in 0..self.claims.len() {
            let Claimed { node, ends, .. } = self.claims[at];
            if let (true, Some(peer)) = (ends <= now, self.peer(node)) {
                peer.told = Told::No;
            }
        }
        self.forget(changed, |claimed| claimed.ends <= now);
    }

    pub(crate) fn earliest(&self) -> Option<Time> {
        self.claims.iter().map(|claimed| claimed.ends).min()
    }

    /// The machine with the lowest number that has a name.
    pub(crate) fn holder(&self, path: &Path) -> Option<u8> {
        let of_it = self.claims.iter().filter(|claimed| claimed.path == *path);
        of_it.map(|claimed| claimed.node).min()
    }

    /// The names directly in a directory, each with a machine that has it.
    pub(crate) fn within<'a>(
        &'a self,
        directory: &'a Path,
    ) -> impl Iterator<Item = (&'a str, u8)> + 'a {
        self.claims.iter().filter_map(|claimed| {
            let name = claimed.path.below(directory)?;
            (!name.contains('/')).then_some((name, claimed.node))
        })
    }

    /// Whether every peer has told its names. Those that have not are to be asked again, if that is not too soon.
    pub(crate) fn is_sure(&mut self, now: Time) -> bool {
        let mut sure = true;
        for node in self.nodes() {
            let Some(peer) = self.peer(node) else {
                continue;
            };
            if peer.told == Told::All {
                continue;
            }
            sure = false;
            if peer.pull == Pull::Idle
                && peer.asked.is_none_or(|asked| asked.after(ASK_AGAIN) <= now)
            {
                peer.pull = Pull::Wanted;
            }
        }
        sure
    }
}
