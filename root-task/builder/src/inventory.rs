//! What a component really has: every slot of its CNode is tried, and what is there is held beside what was put there.
//!
//! The kernel does not say what a slot holds, but a copy into an occupied slot fails. What kind of capability it is, a debug kernel tells, by a
//! number that depends on the architecture: it is compared with that of capabilities whose kind is known. Rights and badges cannot be asked for; they are those
//! of the system calls that put the capability there ([`Body::record`]).

use core::fmt;

use isthmus_abi::Slot;
use sel4::{CPtr, CapRights, Word};

use crate::body::Body;
use crate::error::{Doing, Result};
use crate::supply::Supply;

/// A capability that was put into a component's slot.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    /// Where.
    pub slot: Slot,
    /// With which rights.
    pub rights: CapRights,
    /// With which badge, or other capability data; 0 without.
    pub badge: Word,
}

/// A kind of capability, and one of the builder's that is of it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name, as the host knows it.
    pub name: &'static str,
    /// Such a capability.
    pub like: CPtr,
}

/// Goes through all slots of a component that does not run yet; answers how many capabilities it has, after `say` was called for each.
///
/// # Errors
/// No slot for a copy, or what the kernel refuses.
pub fn take(
    body: &Body,
    objects: &mut dyn Supply,
    kinds: &[Kind],
    probe: CPtr,
    say: &mut dyn FnMut(fmt::Arguments<'_>),
) -> Result<usize> {
    let scratch = objects.slot()?;
    let mut count = 0;
    for number in 0..body.slots() {
        let slot = Slot(number);
        let at = body.at(slot);
        match at.copy(&objects.place(probe), CapRights::all()) {
            Ok(()) => {
                at.delete().doing("the removal of a probe")?;
                continue;
            }
            Err(sel4::Error::DeleteFirst) => count += 1,
            Err(error) => return Err(error).doing("a look into a slot"),
        }
        let kind = match objects.place(scratch).copy(&at, CapRights::all()) {
            Ok(()) => {
                let kind = identify(scratch, kinds);
                objects
                    .place(scratch)
                    .delete()
                    .doing("the removal of a copy")?;
                kind
            }
            // It cannot be copied, which is no secret but no kind either.
            Err(_) => Identified::Unknown,
        };
        let grant = body.granted(slot);
        say(format_args!(
            "cap {} {number} {kind} {} {:#x}",
            body.name(),
            Letters(grant.map(|grant| grant.rights)),
            grant.map_or(0, |grant| grant.badge),
        ));
    }
    Ok(count)
}

/// What is known of a capability's kind.
enum Identified {
    /// It is of a kind that was named.
    Named(&'static str),
    /// It is not, and has this number.
    Number(u64),
    /// This kernel does not say.
    Unknown,
}

impl fmt::Display for Identified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Number(number) => write!(f, "type-{number}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

sel4::sel4_cfg_if! {
    if #[sel4_cfg(DEBUG_BUILD)] {
        fn identify(capability: CPtr, kinds: &[Kind]) -> Identified {
            let number = sel4::debug_cap_identify(capability);
            let same = |kind: &&Kind| sel4::debug_cap_identify(kind.like) == number;
            match kinds.iter().find(same) {
                Some(kind) => Identified::Named(kind.name),
                None => Identified::Number(number),
            }
        }
    } else {
        fn identify(_: CPtr, _: &[Kind]) -> Identified {
            // The parts that only a debug kernel needs.
            let _ = Identified::Named;
            let _ = Identified::Number;
            Identified::Unknown
        }
    }
}

/// Rights as `rwg`: to read, to write, to grant; a dash for what is not allowed, `?` for what nobody recorded.
struct Letters(Option<CapRights>);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rights) = self.0 else {
            return f.write_str("???");
        };
        let bits = [false, true];
        for (read, write, grant) in bits
            .into_iter()
            .flat_map(|r| bits.map(|w| (r, w)))
            .flat_map(|(r, w)| bits.map(|g| (r, w, g)))
        {
            // What grants replies is no right of this kernel.
            if [false, true]
                .map(|reply| CapRights::new(reply, grant, read, write))
                .contains(&rights)
            {
                let letter = |given, letter| if given { letter } else { '-' };
                return write!(
                    f,
                    "{}{}{}",
                    letter(read, 'r'),
                    letter(write, 'w'),
                    letter(grant, 'g')
                );
            }
        }
        f.write_str("???")
    }
}
