//! A process's fault: which thread of which process, and how the process ends by it.

use alloc::string::{String, ToString};

use builder::Body;
use builder::body::of_fault_badge;
use isthmus_abi::{ComponentId, Ending, EndpointBadge};
use isthmus_runtime::interface::Request;
use isthmus_runtime::sel4::{Fault, MessageInfoBuilder, with_ipc_buffer_mut};
use scheduler_interface::How;

/// Whose fault a message reports; `None` if a client sent it. Faults come through capabilities in the root task's name, which calls nobody.
pub fn whose(badge: u64) -> Option<(ComponentId, usize)> {
    let from = EndpointBadge::from_bits(badge);
    (from.client == ComponentId::ROOT_TASK).then(|| of_fault_badge(badge))
}

/// What happened, in words.
pub struct Story {
    /// How the process ends by it.
    pub how: How,
    /// For people.
    pub words: String,
}

/// Reads the message of a fault.
pub fn read(request: &Request<'_>, body: Option<&Body>, thread: usize) -> Story {
    let info = MessageInfoBuilder::default()
        .label(request.label.bits())
        .length(request.words.len())
        .build();
    let fault = with_ipc_buffer_mut(|buffer| {
        buffer.write_words(request.words);
        Fault::new(buffer, &info)
    });
    let said = match &fault {
        Fault::UnknownSyscall(fault) => Ending::from_system_call(fault.syscall(), fault.argument()),
        _ => None,
    };
    match (said, &fault) {
        (Some(said), _) => Story {
            how: match said {
                Ending::Returned(code) => How::Returned(code),
                Ending::Exited(code) => How::Exited(code),
                Ending::Panicked | Ending::BadStartup => How::Panicked,
            },
            words: said.to_string(),
        },
        (None, Fault::VmFault(page))
            if body.is_some_and(|body| body.is_below_stack(thread, page.addr())) =>
        {
            Story {
                how: How::Faulted,
                words: alloc::format!("its stack is full; {fault}"),
            }
        }
        (None, fault) => Story {
            how: How::Faulted,
            words: fault.to_string(),
        },
    }
}
