//! What a host test does to a running machine from outside: typed calls through the agent, short and long; killing, stopping and starting a component.

use std::time::Duration;

use counter_interface::{Counter, CounterClient};
use isthmus_abi::{NotExecuted, Outcome, Unknown};
use isthmus_interface::CallError;
use isthmus_testkit::{Agent, Condition, Failure, Machine};
use lamp_interface::{Lamp, LampClient, Light};

use crate::lab::Lab;

const LIMIT: Duration = Duration::from_secs(60);

pub fn calls_and_kills(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(1)?.start()?;
    let machine = cluster.machine(1);
    let agent = machine.agent()?;
    is_lit(machine, &agent)?;
    let client = CounterClient::new(&agent, agent.granted::<dyn Counter>("counter")?);
    let counts = |wanted: u64| match client.increment() {
        Ok(count) if count == wanted => Ok(()),
        other => Err(machine.failure(format!("counted {other:?}, not {wanted}"))),
    };
    counts(1)?;
    counts(2)?;

    let counter = machine.component("counter")?;
    counter.kill()?;
    let report = counter.wait_until(Condition::Running, LIMIT)?;
    expect(machine, report.starts == 2, &format!("{report:?}"))?;
    counts(3)?;
    // A panic in the middle of a call.
    let died = CallError::Outcome(Outcome::Unknown(Unknown::ComponentDied));
    let failed = client.fail();
    expect(machine, failed == Err(died), &format!("{failed:?}"))?;
    counter.wait_until(Condition::Running, LIMIT)?;
    counts(4)?;

    counter.stop()?;
    let gone = CallError::Outcome(Outcome::NotExecuted(NotExecuted::ComponentDied));
    let stopped = client.increment();
    expect(machine, stopped == Err(gone), &format!("{stopped:?}"))?;
    counter.restart()?;
    counts(5)?;

    // What is asked of a machine that has ended ends, too.
    machine.kill();
    let lost = CallError::Outcome(Outcome::Unknown(Unknown::PeerLost));
    let dead = client.increment();
    expect(machine, dead == Err(lost), &format!("{dead:?}"))
}

/// A driver on its real pin: what it says is read back from the hardware.
fn is_lit(machine: &Machine, agent: &Agent<'_>) -> Result<(), Failure> {
    let lamp = LampClient::new(agent, agent.granted::<dyn Lamp>("lamp")?);
    let done = [lamp.switch(Light::On), lamp.switch(Light::On)];
    expect(machine, done == [Ok(()); 2], &format!("{done:?}"))?;
    let lights = [lamp.light(), lamp.toggle(), lamp.light(), lamp.toggle()];
    let wanted = [Light::On, Light::Off, Light::Off, Light::On].map(Ok);
    expect(machine, lights == wanted, &format!("{lights:?}"))
}

fn expect(machine: &Machine, held: bool, what: &str) -> Result<(), Failure> {
    if held {
        Ok(())
    } else {
        Err(machine.failure(format!("this is not as it should be: {what}")))
    }
}
