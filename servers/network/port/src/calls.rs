//! The typed calls, which the port's user dispatches to it.

use isthmus_runtime::heap;
use isthmus_runtime::interface::Later;
use network_interface::calls::{Network, NetworkError};
use network_interface::{Counters, EchoReport, Node};
use network_logic::{EchoError, EchoRequest};

use crate::Port;

impl Port {
    /// Whether somebody waits for a wire echo: after a call that started one the user takes a turn, for it sends nothing by itself.
    #[must_use]
    pub const fn is_echoing(&self) -> bool {
        self.echo_caller.is_some()
    }

    /// Answers the caller of a wire echo that has ended.
    pub(crate) fn finish_echo(&mut self) {
        let Some(report) = self.network.take_echo() else {
            return;
        };
        if let Some(caller) = self.echo_caller.take() {
            caller.answer(Ok(report));
        }
    }

    fn start_echo(&mut self, node: u8, length: u16, count: u8) -> Result<(), NetworkError> {
        let request = EchoRequest {
            node: Node::new(node).ok_or(NetworkError::Invalid)?,
            length: length.into(),
            count: count.into(),
        };
        self.network
            .start_echo(request)
            .map_err(|error| match error {
                EchoError::Busy => NetworkError::Busy,
                EchoError::Invalid => NetworkError::Invalid,
            })
    }
}

impl Network for Port {
    fn counters(&mut self) -> Result<Counters, NetworkError> {
        Ok(*self.network.counters())
    }

    fn wire_echo(
        &mut self,
        node: u8,
        length: u16,
        count: u8,
        later: Later<EchoReport, NetworkError>,
    ) {
        match self.start_echo(node, length, count) {
            Ok(()) => self.echo_caller = Some(later),
            Err(error) => later.answer(Err(error)),
        }
    }

    fn allocations(&mut self) -> Result<u64, NetworkError> {
        Ok(heap::allocations() - self.allocations_at_start)
    }
}
