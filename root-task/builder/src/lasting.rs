//! What outlives a process: made once for a component of the plan, so that what others hold of it stays good when it is started anew.

use alloc::vec::Vec;

use isthmus_abi::{ComponentId, EventBit, Name};
use isthmus_plan::plan;
use sel4::{CapRights, ObjectBlueprint, cap};

use crate::body::frames;
use crate::error::Result;
use crate::supply::Supply;

/// The lasting part of a component. `docs/processes.md` says why it is apart.
#[derive(Clone, Debug)]
pub struct Lasting {
    /// Its number.
    pub id: ComponentId,
    /// Its name.
    pub name: Name,
    /// Its service endpoint, if it serves something.
    pub service: Option<cap::Endpoint>,
    /// The notification that is bound to its main thread.
    pub notification: cap::Notification,
    /// The frames of its log rings.
    pub logs: Vec<cap::Granule>,
}

impl Lasting {
    /// Makes the objects.
    ///
    /// # Errors
    /// No memory or slots, or what the kernel refuses.
    pub fn new(
        objects: &mut dyn Supply,
        id: ComponentId,
        component: &plan::Component,
    ) -> Result<Self> {
        Ok(Self {
            id,
            name: component.name.clone(),
            service: match component.serves.is_empty() {
                true => None,
                false => Some(objects.make(ObjectBlueprint::Endpoint)?.cast()),
            },
            notification: objects.make(ObjectBlueprint::Notification)?.cast(),
            logs: frames(objects, component.log_bytes())?,
        })
    }

    /// A capability of the builder's to signal this component with `bit`.
    ///
    /// # Errors
    /// No slots, or what the kernel refuses.
    pub fn badged_notification(
        &self,
        objects: &mut dyn Supply,
        bit: EventBit,
    ) -> Result<cap::Notification> {
        let minted = objects.mint(
            self.notification.cptr(),
            CapRights::write_only(),
            bit.badge(),
        )?;
        Ok(minted.cast())
    }
}
