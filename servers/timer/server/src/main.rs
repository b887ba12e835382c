//! The timer server: owns the hardware timer, and signals each client when its one deadline has passed.
//!
//! It never blocks but in its one receive, and programs the hardware only while somebody waits: an idle machine sleeps. The table of
//! deadlines is `timer-logic`, the hardware `hardware-timer`; the promises are in `docs/timer.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod alarm;

use hardware_timer::Alarm;
use isthmus_abi::limits::COMPONENTS;
use isthmus_abi::startup::{Interrupt, PLAIN_EVENT};
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::{Caller, Disposition};
use isthmus_runtime::sel4::cap;
use isthmus_runtime::{Service, Startup, grants, say, slots, time};
use timer_interface::{Timer, TimerError, timer};
use timer_logic::Deadlines;

isthmus_runtime::entry!(main);

/// Component numbers, that of the root task included.
const CLIENTS: usize = COMPONENTS + 1;

struct Server<A> {
    deadlines: Deadlines<CLIENTS>,
    /// By component number.
    clients: [Option<cap::Notification>; CLIENTS],
    alarm: A,
    /// What the alarm is set to.
    set: Option<u64>,
    interrupt: Interrupt,
}

fn main(startup: &'static Startup) -> ! {
    let opened = match alarm::open(startup) {
        Ok(opened) => opened,
        Err(error) => {
            say!("{error}");
            isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
        }
    };
    let Some(service) = Service::get() else {
        say!("the system description gives me nothing to serve: add `serves = [\"timer\"]`");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let mut server = Server {
        deadlines: Deadlines::new(),
        clients: clients(startup),
        alarm: opened.alarm,
        set: None,
        interrupt: opened.interrupt,
    };
    server.acknowledge();
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => {
            let disposition = timer::dispatch(&mut server, request, answer);
            server.advance();
            disposition
        }
        Occasion::Events(events) => {
            if events.contains(server.interrupt.bit) {
                server.rang();
            }
            Disposition::Nothing
        }
    })
}

/// Whom the server may signal.
fn clients(startup: &Startup) -> [Option<cap::Notification>; CLIENTS] {
    let mut clients = [None; CLIENTS];
    for signal in startup.signals.iter().filter(|s| s.about == PLAIN_EVENT) {
        if let Some(client) = clients.get_mut(usize::from(signal.id.0)) {
            *client = Some(slots::cap(signal.slot));
        }
    }
    clients
}

impl<A: Alarm> Server<A> {
    /// The alarm has rung, perhaps early.
    fn rang(&mut self) {
        self.set = None;
        self.clear();
        self.acknowledge();
        self.advance();
    }

    /// Signals whoever is due, and sets the alarm to whoever is next.
    fn advance(&mut self) {
        let mut now = time::now().ticks();
        loop {
            for client in self.deadlines.expire(now) {
                if let Some(notification) = self.clients.get(client).copied().flatten() {
                    notification.signal();
                }
            }
            let next = self.deadlines.earliest();
            if next == self.set {
                return;
            }
            self.set = next;
            let Some(deadline) = next else {
                return self.clear();
            };
            now = time::now().ticks();
            if now < deadline {
                if self.alarm.set(now, deadline).is_err() {
                    defmt::error!("the hardware timer refuses: nobody will be woken");
                }
                return;
            }
        }
    }

    fn clear(&mut self) {
        if self.alarm.clear().is_err() {
            defmt::error!("the hardware timer refuses to be cleared");
        }
    }

    fn acknowledge(&self) {
        if let Err(error) = grants::interrupt_handler(self.interrupt).irq_handler_ack() {
            defmt::error!(
                "the interrupt cannot be acknowledged: {}",
                defmt::Debug2Format(&error)
            );
        }
    }

    /// Who sent a message: the root task has put its number into the badge.
    fn client(caller: Caller) -> usize {
        usize::from(caller.client().0)
    }
}

impl<A: Alarm> Timer for Server<A> {
    fn arm(&mut self, caller: Caller, deadline: u64) {
        // Component numbers are below CLIENTS.
        let _ = self.deadlines.arm(Self::client(caller), deadline);
    }

    fn disarm(&mut self, caller: Caller) {
        let _ = self.deadlines.disarm(Self::client(caller));
    }

    fn attach(&mut self, caller: Caller) -> Result<(), TimerError> {
        let heard = self.clients.get(Self::client(caller)).copied().flatten();
        heard.map(|_| ()).ok_or(TimerError::NotHeard)
    }
}
