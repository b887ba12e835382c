//! One call, as a future.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use isthmus_runtime::abi::limits::MESSAGE_WORDS;
use isthmus_runtime::abi::{Label, NotExecuted};
use isthmus_runtime::interface::{CallError, Incoming, Method, Writer, read_incoming};
use isthmus_runtime::{Duration, Instant, time};
use netipc_interface::ring::Words;

use crate::Calls;
use crate::table::{Lacks, Ticket};

/// A call on its way: submitted when it is first polled. Dropped, it is not told what became of it; it may run all the same.
#[must_use = "a call is made when it is polled: `calls.block_on(call)`"]
pub struct Call<'c, M> {
    raw: Raw<'c>,
    request: Option<M>,
}

/// The same, in words.
pub struct Raw<'c> {
    calls: &'c Calls,
    target: u64,
    deadline: Instant,
    ticket: Option<Ticket>,
}

impl<'c, M: Method> Call<'c, M> {
    pub(crate) fn new(calls: &'c Calls, target: u64, request: M, budget: Duration) -> Self {
        Self {
            raw: Raw::new(calls, target, budget),
            request: Some(request),
        }
    }
}

// Nothing of it is ever pinned.
impl<M> Unpin for Call<'_, M> {}

impl<M: Method> Future for Call<'_, M> {
    type Output = Result<M::Reply, CallError<M::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(request) = &this.request {
            let mut words = [0; MESSAGE_WORDS];
            let mut writer = Writer::new(&mut words);
            if request.write(&mut writer).is_err() {
                return Poll::Ready(Err(NotExecuted::TooLong.into()));
            }
            let length = writer.written();
            if this
                .raw
                .submit(M::LABEL, &words[..length], context)
                .is_pending()
            {
                return Poll::Pending;
            }
            this.request = None;
        }
        this.raw.end(context).map(|(label, words)| {
            let answer = Incoming {
                label: Label::from_bits(label),
                words: &words,
                capability: None,
            };
            read_incoming::<M>(answer).map(|(reply, _)| reply)
        })
    }
}

impl<'c> Raw<'c> {
    pub(crate) fn new(calls: &'c Calls, target: u64, budget: Duration) -> Self {
        Self {
            calls,
            target,
            deadline: time::now() + budget,
            ticket: None,
        }
    }

    /// Puts it into the ring, once there is room.
    pub(crate) fn submit(
        &mut self,
        label: Label,
        words: &[u64],
        context: &Context<'_>,
    ) -> Poll<()> {
        let inner = &mut *self.calls.inner.borrow_mut();
        let Some((ticket, token)) = inner.table.take() else {
            inner.table.starve(context.waker(), Lacks::Place);
            return Poll::Pending;
        };
        let deadline = self.deadline.ticks().max(1);
        match inner
            .end
            .submit(token, self.target, deadline, label.bits(), words)
        {
            Ok(()) => {
                self.ticket = Some(ticket);
                Poll::Ready(())
            }
            Err(_) => {
                inner.table.give_back(ticket);
                inner.table.starve(context.waker(), Lacks::Room);
                Poll::Pending
            }
        }
    }

    /// Its end: a message's label and words.
    pub(crate) fn end(&mut self, context: &Context<'_>) -> Poll<(u64, Words)> {
        let Some(ticket) = self.ticket else {
            return Poll::Pending;
        };
        let mut inner = self.calls.inner.borrow_mut();
        match inner.table.poll(ticket, context.waker()) {
            Some(end) => {
                self.ticket = None;
                Poll::Ready(end)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.calls.inner.borrow_mut().table.abandon(ticket);
        }
    }
}
