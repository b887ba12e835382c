//! Many calls at once, and deadlines: the client's side of a ring of calls. And [`Lent`]: memory that is lent for a call.
//!
//! It never decides what becomes of a call: the proxy says so, and this hands each completion to the call that waits for it. One thread uses it, the
//! component's main thread, which hears the channel's event. It allocates when it is opened, and never again.
//!
//! Read first: `docs/async.md`. Next: `netipc_interface::ring`, then `netipc-proxy`'s `rings`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod call;
mod lent;
mod table;
mod within;

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::interface::{CallError, Cap, Method, Passes};
use isthmus_runtime::sel4::cap;
use isthmus_runtime::{Duration, EventBit, Events, Kernel, Startup, grants, service, time};
use netipc_interface::ring::{ClientEnd, Taken, TooSmall};
use netipc_interface::{NetipcClient, NetipcError};
use shared_memory::{Wait, Wake};

pub use call::Call;
pub use lent::Lent;
pub use within::Within;

use crate::table::Table;

/// A ring of calls to this machine's proxy.
pub struct Calls {
    inner: RefCell<Inner>,
    netipc: NetipcClient<Kernel>,
    event: EventBit,
}

struct Inner {
    end: ClientEnd<'static>,
    proxy: cap::Notification,
    table: Table,
    /// Events of others that came while this waited.
    missed: Events,
}

/// A capability that the proxy knows, and calls of whose interface can be submitted.
pub struct Target<K: ?Sized> {
    number: u64,
    kind: PhantomData<fn() -> K>,
}

/// Why there is no ring.
#[derive(Debug)]
pub enum OpenError {
    /// The description does not give it.
    Missing(Missing<'static>),
    /// The channel is too small.
    TooSmall(TooSmall),
    /// The proxy refuses.
    Refused(CallError<NetipcError>),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::TooSmall(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}

impl From<Missing<'static>> for OpenError {
    fn from(missing: Missing<'static>) -> Self {
        Self::Missing(missing)
    }
}

impl Calls {
    /// Opens the channel of this name between this component and `netipc`, which it also `uses`. What an earlier start of this component has
    /// submitted or registered is forgotten.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(startup: &'static Startup, channel: &'static str) -> Result<Self, OpenError> {
        let netipc =
            NetipcClient::new(Kernel, startup.endpoint(NetipcClient::<Kernel>::INTERFACE)?);
        let memory = grants::shared_memory(channel)?;
        let mut end = ClientEnd::attach(memory).map_err(OpenError::TooSmall)?;
        // From here on nothing of an earlier start comes any more; what has come is thrown away.
        netipc.open().map_err(OpenError::Refused)?;
        end.discard();
        Ok(Self {
            inner: RefCell::new(Inner {
                end,
                proxy: grants::channel_signal(channel)?,
                table: Table::new(time::now().ticks()),
                missed: Events::NONE,
            }),
            netipc,
            event: startup.channel_event(channel)?,
        })
    }

    /// Has the proxy know a capability, which may lead anywhere. It takes a copy.
    ///
    /// # Errors
    /// The proxy's.
    pub fn register<K: ?Sized>(
        &self,
        capability: impl Into<Cap<K>>,
    ) -> Result<Target<K>, CallError<NetipcError>> {
        let number = self.netipc.register(capability.into().cast())?;
        Ok(Target {
            number: number.into(),
            kind: PhantomData,
        })
    }

    /// Has the proxy forget a capability.
    ///
    /// # Errors
    /// [`NetipcError::Busy`] as long as calls are out: the target is given back.
    pub fn unregister<K: ?Sized>(
        &self,
        target: Target<K>,
    ) -> Result<(), (Target<K>, CallError<NetipcError>)> {
        // It came from the proxy.
        let number = target.number as u16;
        self.netipc
            .unregister(number)
            .map_err(|error| (target, error))
    }

    /// A call, which is submitted when it is first polled, and given up after `budget`.
    pub fn call<M: Method>(
        &self,
        target: &Target<M::Interface>,
        request: M,
        budget: Duration,
    ) -> Call<'_, M> {
        const {
            assert!(
                matches!((M::TAKES, M::GIVES), (Passes::Nothing, Passes::Nothing)),
                "a ring carries no capabilities: call this method plainly"
            );
        }
        Call::new(self, target.number, request, budget)
    }

    /// A transport for a generated client, `KvClient::over(calls.within(&kv, budget))`: each of its calls is given up after `budget`.
    pub const fn within<K: ?Sized>(&self, target: &Target<K>, budget: Duration) -> Within<'_> {
        Within::new(self, target.number, budget)
    }

    /// Polls a future until it is ready, and sleeps when nothing is to be done. Events of others that come in the meantime are kept:
    /// [`take_missed`](Self::take_missed).
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let polled = future.as_mut().poll(&mut context);
            self.signal();
            match polled {
                Poll::Ready(output) => return output,
                Poll::Pending => self.wait(),
            }
        }
    }

    /// Takes the completions that have come, and wakes who waits for them. For a server's loop, at the channel's event.
    pub fn poll(&self) {
        let inner = &mut *self.inner.borrow_mut();
        while let Some(taken) = inner.end.complete() {
            // What cannot be read, the proxy has not written.
            if let Taken::Record(completion) = taken {
                inner.table.complete(&completion);
            }
        }
    }

    /// The event by which completions are told.
    #[must_use]
    pub const fn event(&self) -> EventBit {
        self.event
    }

    /// Events of others that came while [`block_on`](Self::block_on) waited.
    #[must_use]
    pub fn take_missed(&self) -> Events {
        core::mem::replace(&mut self.inner.borrow_mut().missed, Events::NONE)
    }

    /// Wakes the proxy, once for all that was submitted since the last time. [`block_on`](Self::block_on) does it by itself.
    pub fn signal(&self) {
        let inner = &mut *self.inner.borrow_mut();
        if inner.end.take_wake() == Wake::Needed {
            inner.proxy.signal();
        }
    }

    /// Until something has happened that a future may wait for.
    fn wait(&self) {
        self.poll();
        let inner = &mut *self.inner.borrow_mut();
        if inner.table.take_progress() {
            return;
        }
        if inner.table.wants_room() && inner.end.prepare_to_wait_for_room() == Wait::Ready {
            inner.table.wake_submitters();
            return;
        }
        if inner.end.prepare_to_wait() == Wait::Sleep {
            let events = service::wait();
            inner.missed = inner.missed.union(events.without(self.event));
            inner.table.wake_submitters();
        }
    }
}

/// Polls several calls to their ends; their results are in the calls' order.
pub async fn all<F: Future + Unpin>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (call, None)).collect();
    core::future::poll_fn(|context| {
        let mut pending = false;
        for (call, result) in &mut calls {
            if result.is_none() {
                match core::pin::Pin::new(call).poll(context) {
                    Poll::Ready(output) => *result = Some(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            return Poll::Pending;
        }
        let results = calls.drain(..).filter_map(|(_, result)| result);
        Poll::Ready(results.collect())
    })
    .await
}
