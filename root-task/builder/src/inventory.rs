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
struct Kind {
    /// Its name, as the host knows it: `isthmus_description::capabilities`.
    name: &'static str,
    like: CPtr,
}

/// What is needed to look into a slot.
#[derive(Clone, Copy, Debug)]
pub struct Tools {
    /// An empty slot of the builder's.
    pub scratch: CPtr,
    /// An endpoint of the builder's.
    pub endpoint: CPtr,
}

/// Goes through all slots of a component that does not run yet, and calls `say` for each capability, and then for their number.
///
/// # Errors
/// What the kernel refuses.
pub fn take(
    body: &Body,
    objects: &dyn Supply,
    tools: Tools,
    say: &mut dyn FnMut(fmt::Arguments<'_>),
) -> Result<()> {
    let kinds = [
        Kind {
            name: "endpoint",
            like: tools.endpoint,
        },
        Kind {
            name: "notification",
            like: body.lasting.notification.cptr(),
        },
        Kind {
            name: "cnode",
            like: body.cnode().cptr(),
        },
        Kind {
            name: "thread",
            like: body.threads[0].tcb.cptr(),
        },
    ];
    let scratch = objects.place(tools.scratch);
    let mut count = 0;
    for number in 0..body.slots() {
        let slot = Slot(number);
        let at = body.at(slot);
        match at.copy(&objects.place(tools.endpoint), CapRights::all()) {
            Ok(()) => {
                at.delete().doing("the removal of a probe")?;
                continue;
            }
            Err(sel4::Error::DeleteFirst) => count += 1,
            Err(error) => return Err(error).doing("a look into a slot"),
        }
        let kind = match scratch.copy(&at, CapRights::all()) {
            Ok(()) => {
                let kind = identify(tools.scratch, &kinds);
                scratch.delete().doing("the removal of a copy")?;
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
    say(format_args!("caps of {}: {count}", body.name()));
    Ok(())
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
        /// Says it on the kernel's own console, if it has one; whether it has. For those whose words would take another way, on which some are lost
        /// if there are many.
        pub fn say_by_kernel(line: fmt::Arguments<'_>) -> bool {
            // The line may be another's who has not ended it.
            sel4::debug_println!("\nisthmus: {line}");
            true
        }

        fn identify(capability: CPtr, kinds: &[Kind]) -> Identified {
            let number = sel4::debug_cap_identify(capability);
            let same = |kind: &&Kind| sel4::debug_cap_identify(kind.like) == number;
            match kinds.iter().find(same) {
                Some(kind) => Identified::Named(kind.name),
                None => Identified::Number(number),
            }
        }
    } else {
        /// Says it on the kernel's own console, if it has one; whether it has.
        pub fn say_by_kernel(_: fmt::Arguments<'_>) -> bool {
            false
        }

        fn identify(_: CPtr, kinds: &[Kind]) -> Identified {
            // The parts that only a debug kernel needs.
            let _ = kinds.iter().map(|kind| (kind.like, Identified::Named(kind.name)));
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
