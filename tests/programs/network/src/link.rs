//! The channel to the network server, with waiting.

use isthmus_runtime::abi::EventBit;
use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::calls::Kernel;
use isthmus_runtime::sel4::cap;
use isthmus_runtime::{Instant, Slot, Startup, grants, service};
use network_interface::{Channel, ChannelError, Peer, ReceiveError, Side, channel};
use shared_memory::{Wait, Wake};
use timer_interface::TimerClient;

/// Why the probe cannot start.
#[derive(Debug)]
#[expect(dead_code, reason = "they are read by `Debug`, on the console")]
pub enum LinkError {
    /// The description does not grant what it needs.
    Missing(Missing<'static>),
    /// The channel.
    Channel(ChannelError),
}

impl From<Missing<'static>> for LinkError {
    fn from(error: Missing<'static>) -> Self {
        Self::Missing(error)
    }
}

/// The probe's end of the channel, and its alarm.
pub struct Link {
    channel: Channel<'static>,
    signal: cap::Notification,
    timer: TimerClient<Kernel>,
    rings: EventBit,
    network: Slot,
}

impl Link {
    /// By the description.
    pub fn open(startup: &'static Startup) -> Result<Self, LinkError> {
        let memory = grants::shared_memory(channel::NAME)?;
        Ok(Self {
            channel: Channel::attach(memory, Side::Client).map_err(LinkError::Channel)?,
            signal: grants::channel_signal(channel::NAME)?,
            timer: TimerClient::new(Kernel, startup.endpoint("timer")?),
            rings: startup.event("timer")?,
            network: startup.endpoint("network")?,
        })
    }

    /// The network server's endpoint.
    pub const fn network(&self) -> Slot {
        self.network
    }

    /// Sends a datagram; `false` if the ring is full.
    pub fn send(&mut self, to: Peer, payload: &[u8]) -> bool {
        let sent = self.channel.send(to, payload);
        if let Ok(wake) = sent {
            self.wake(wake);
        }
        sent.is_ok()
    }

    /// The next datagram, if one is there.
    pub fn receive(&mut self, payload: &mut [u8]) -> Option<(Peer, usize)> {
        loop {
            let wake = match self.channel.receive() {
                Ok(None) => return None,
                Ok(Some(datagram)) => {
                    let from = datagram.peer();
                    let (length, wake) = datagram.take(payload);
                    self.wake(wake);
                    return Some((from, length));
                }
                Err(ReceiveError::Malformed(wake)) => wake,
                Err(ReceiveError::Corrupt) => self.channel.discard(),
            };
            self.wake(wake);
        }
    }

    /// Sleeps until there is a datagram or the time has come; answers whether the alarm rang.
    pub fn wait(&mut self, until: Option<Instant>) -> bool {
        if self.channel.prepare_to_wait() == Wait::Ready {
            return false;
        }
        if let Some(until) = until {
            // Without a timer the test hangs, and its own time limit says so.
            let _ = self.timer.arm(until.ticks());
        }
        service::wait().contains(self.rings)
    }

    fn wake(&self, wake: Wake) {
        if wake == Wake::Needed {
            self.signal.signal();
        }
    }
}
