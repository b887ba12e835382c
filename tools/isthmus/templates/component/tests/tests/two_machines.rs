//! The client on one machine, the server on another: a PC and an Arm board at one switch.

use std::time::Duration;

use @CRATE@_interface::{@TRAIT@, @TRAIT@Client, Guest};
use isthmus_testkit::{Arch, Cluster, Failure, says};

/// It takes seconds; on a busy computer more.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn a_client_is_served_by_another_machine() -> Result<(), Failure> {
    let machines = [Arch::X86_64, Arch::Aarch64];
    let cluster = Cluster::build_with_agents("system.toml", &machines)?.start()?;
    // The component `@NAME@-client` says so.
    let word = says("@NAME@-client", "has greeted 3 guests");
    cluster.machine(2).wait_for(&word, LIMIT)?;
    // This test is a client, too: an agent on machine 2 makes its calls.
    let agent = cluster.machine(2).agent()?;
    let server = @TRAIT@Client::new(&agent, agent.find::<dyn @TRAIT@>("@NAME@")?);
    let guest = Guest::try_from("Margaret").expect("a short name");
    assert_eq!(server.greet(guest), Ok(4));
    Ok(())
}
