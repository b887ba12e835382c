//! Scenarios on whole machines, one file each, named for what it shows. `./isthmus test` builds the images and runs each in each of its settings.
//!
//! A scenario is a function that gets a [`Lab`], starts machines in it and fails with what was wrong; the consoles are added by the harness.
//! It never builds anything and never sleeps where it could wait for a word. To add one: write its file, and its line in [`SCENARIOS`]. Read next:
//! `docs/testing.md`.

#![forbid(unsafe_code)]

mod agent;
mod async_calls;
mod attacker;
mod blow;
mod bulk;
mod bulk_struck;
mod c_client;
mod capabilities;
mod capture;
mod chat;
mod counter;
mod death;
mod demo;
pub mod figures;
mod frames;
mod hand_off_struck;
mod hand_over;
mod hello;
mod idle;
mod impostor;
mod key_log;
mod keys;
mod kill_server_machine;
mod lab;
mod memory;
mod naming;
mod network;
mod no_allocation;
mod orphans;
mod ping;
mod policy;
mod processes;
mod randomness;
mod revocation;
mod secrecy;
mod sites;
mod strike;
mod ten_thousand_calls;
mod timer;
mod transfer_struck;
mod view;
mod view_names;
mod weather;

use blow::Blow;
pub use lab::{Lab, Scenario, Setting};

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "demo-remote",
        system: "systems/demo.toml",
        settings: &Setting::ALL,
        run: demo::remote,
    },
    Scenario {
        name: "demo-local",
        system: "systems/demo.toml",
        settings: &Setting::ALIKE,
        run: demo::local,
    },
    Scenario {
        name: "death",
        system: "tests/machines/systems/death.toml",
        settings: &Setting::ALIKE,
        run: death::outcomes,
    },
    Scenario {
        name: "capabilities",
        system: "systems/demo.toml",
        settings: &Setting::ALIKE,
        run: capabilities::as_described,
    },
    Scenario {
        name: "capabilities-of-processes",
        system: "tests/machines/systems/processes.toml",
        settings: &Setting::ALIKE,
        run: capabilities::of_processes,
    },
    Scenario {
        name: "network",
        system: "tests/machines/systems/network.toml",
        settings: &Setting::ALL,
        run: network::datagrams,
    },
    Scenario {
        name: "ping",
        system: "tests/machines/systems/network.toml",
        settings: &Setting::ALIKE,
        run: ping::answered,
    },
    Scenario {
        name: "timer",
        system: "tests/machines/systems/timer.toml",
        settings: &Setting::ALIKE,
        run: timer::waits,
    },
    Scenario {
        name: "memory",
        system: "tests/machines/systems/memory.toml",
        settings: &Setting::ALIKE,
        run: memory::shared_and_given_back,
    },
    Scenario {
        name: "memory-scheduler",
        system: "tests/machines/systems/memory-scheduler.toml",
        settings: &Setting::ALIKE,
        run: memory::by_the_scheduler,
    },
    Scenario {
        name: "naming-alone",
        system: "tests/machines/systems/naming.toml",
        settings: &Setting::ALIKE,
        run: naming::alone,
    },
    Scenario {
        name: "naming-scheduler",
        system: "tests/machines/systems/naming-scheduler.toml",
        settings: &Setting::ALIKE,
        run: naming::with_scheduler,
    },
    Scenario {
        name: "naming-across",
        system: "tests/machines/systems/naming.toml",
        settings: &Setting::ALL,
        run: naming::across,
    },
    Scenario {
        name: "naming-machine-dies",
        system: "tests/machines/systems/naming.toml",
        settings: &Setting::ALIKE,
        run: naming::machine_dies,
    },
    Scenario {
        name: "view",
        system: "tests/machines/systems/view.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: view::owners,
    },
    Scenario {
        name: "view-without-witness",
        system: "tests/machines/systems/view.toml",
        settings: &[Setting::Mixed],
        run: view::without_witness,
    },
    Scenario {
        name: "view-names",
        system: "tests/machines/systems/view.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: view_names::moves,
    },
    Scenario {
        name: "view-names-without-witness",
        system: "tests/machines/systems/view.toml",
        settings: &[Setting::X86_64],
        run: view_names::stays,
    },
    Scenario {
        name: "kill-server-machine",
        system: "tests/machines/systems/kill-server-machine.toml",
        settings: &Setting::ALL,
        run: |lab| kill_server_machine::struck(lab, Blow::Kill),
    },
    Scenario {
        name: "pause-server-machine",
        system: "tests/machines/systems/kill-server-machine.toml",
        settings: &[Setting::Mixed],
        run: |lab| kill_server_machine::struck(lab, Blow::Pause),
    },
    Scenario {
        name: "cut-server-machine",
        system: "tests/machines/systems/kill-server-machine.toml",
        settings: &[Setting::Mixed],
        run: |lab| kill_server_machine::struck(lab, Blow::Cut),
    },
    Scenario {
        name: "bulk",
        system: "tests/machines/systems/bulk.toml",
        settings: &Setting::ALL,
        run: bulk::moved,
    },
    Scenario {
        name: "bulk-here",
        system: "tests/machines/systems/bulk.toml",
        settings: &Setting::ALIKE,
        run: bulk::moved_here,
    },
    Scenario {
        name: "bulk-lossy",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: bulk::moved_under_loss,
    },
    Scenario {
        name: "bulk-killed",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: |lab| bulk_struck::struck(lab, Blow::Kill, bulk_struck::SERVER),
    },
    Scenario {
        name: "bulk-paused",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: |lab| bulk_struck::struck(lab, Blow::Pause, bulk_struck::SERVER),
    },
    Scenario {
        name: "bulk-cut",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: |lab| bulk_struck::struck(lab, Blow::Cut, bulk_struck::SERVER),
    },
    Scenario {
        name: "bulk-lender-killed",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: |lab| bulk_struck::struck(lab, Blow::Kill, bulk_struck::CLIENT),
    },
    Scenario {
        name: "bulk-lender-paused",
        system: "tests/machines/systems/bulk.toml",
        settings: &[Setting::Mixed],
        run: |lab| bulk_struck::struck(lab, Blow::Pause, bulk_struck::CLIENT),
    },
    Scenario {
        name: "comes-home",
        system: "tests/machines/systems/hand-over.toml",
        settings: &Setting::ALL,
        run: hand_over::comes_home,
    },
    Scenario {
        name: "hand-off",
        system: "tests/machines/systems/hand-over.toml",
        settings: &Setting::ALL,
        run: hand_over::lives_on,
    },
    Scenario {
        name: "orphans",
        system: "tests/machines/systems/orphans.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: orphans::end_with_their_component,
    },
    Scenario {
        name: "policy",
        system: "tests/machines/systems/policy.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: policy::holds,
    },
    Scenario {
        name: "hand-off-killed",
        system: "tests/machines/systems/hand-over.toml",
        settings: &Setting::ALIKE,
        run: |lab| hand_off_struck::struck(lab, Blow::Kill),
    },
    Scenario {
        name: "hand-off-paused",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::Mixed],
        run: |lab| hand_off_struck::struck(lab, Blow::Pause),
    },
    Scenario {
        name: "hand-off-cut",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::Mixed],
        run: |lab| hand_off_struck::struck(lab, Blow::Cut),
    },
    Scenario {
        name: "transfer-killed",
        system: "tests/machines/systems/hand-over.toml",
        settings: &Setting::ALIKE,
        run: |lab| transfer_struck::struck(lab, Blow::Kill),
    },
    Scenario {
        name: "transfer-paused",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::Mixed],
        run: |lab| transfer_struck::struck(lab, Blow::Pause),
    },
    Scenario {
        name: "transfer-cut",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::Mixed],
        run: |lab| transfer_struck::struck(lab, Blow::Cut),
    },
    Scenario {
        name: "revocation",
        system: "tests/machines/systems/hand-over.toml",
        settings: &Setting::ALL,
        run: revocation::is_effective,
    },
    Scenario {
        name: "no-allocation",
        system: "tests/machines/systems/no-allocation.toml",
        settings: &Setting::ALL,
        run: no_allocation::counters_stand_still,
    },
    Scenario {
        name: "async",
        system: "tests/machines/systems/async.toml",
        settings: &Setting::ALL,
        run: async_calls::each_ends_once,
    },
    Scenario {
        name: "c-client",
        system: "tests/machines/systems/c-client.toml",
        settings: &Setting::ALIKE,
        run: c_client::is_answered,
    },
    Scenario {
        name: "weather",
        system: "systems/demo.toml",
        settings: &[Setting::Mixed],
        run: weather::bad_and_good,
    },
    Scenario {
        name: "ten-thousand-calls",
        system: "systems/demo.toml",
        settings: &Setting::ALIKE,
        run: ten_thousand_calls::right_and_once,
    },
    Scenario {
        name: "processes",
        system: "tests/machines/systems/processes.toml",
        settings: &Setting::ALIKE,
        run: processes::killed_in_debt,
    },
    Scenario {
        name: "scheduler",
        system: "tests/machines/systems/scheduler.toml",
        settings: &Setting::ALIKE,
        run: processes::as_promised,
    },
    Scenario {
        name: "hostile",
        system: "tests/machines/systems/hostile.toml",
        settings: &Setting::ALIKE,
        run: processes::harm_nobody,
    },
    Scenario {
        name: "cycles",
        system: "tests/machines/systems/cycles.toml",
        settings: &Setting::ALIKE,
        run: processes::ten_thousand_cycles,
    },
    Scenario {
        name: "hello",
        system: "systems/hello.toml",
        settings: &[Setting::Mixed],
        run: hello::greeted,
    },
    Scenario {
        name: "chat",
        system: "systems/chat.toml",
        settings: &Setting::ALL,
        run: chat::everybody_hears,
    },
    Scenario {
        name: "counter",
        system: "systems/counter.toml",
        settings: &Setting::ALIKE,
        run: counter::goes_on,
    },
    Scenario {
        name: "agent",
        system: "tests/machines/systems/agent.toml",
        settings: &Setting::ALIKE,
        run: agent::calls_and_kills,
    },
    Scenario {
        name: "idle",
        system: "systems/demo.toml",
        settings: &Setting::ALIKE,
        run: idle::sleeps,
    },
    Scenario {
        name: "key-log",
        system: "systems/demo.toml",
        settings: &[Setting::X86_64],
        run: key_log::opens_a_capture,
    },
    Scenario {
        name: "keys",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: keys::change_while_machines_run,
    },
    Scenario {
        name: "randomness",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::Mixed],
        run: randomness::is_had_or_asked_for,
    },
    Scenario {
        name: "secrecy",
        system: "systems/demo.toml",
        settings: &Setting::ALL,
        run: secrecy::markers_are_hidden,
    },
    Scenario {
        name: "attacker",
        system: "systems/demo.toml",
        settings: &Setting::ALIKE,
        run: attacker::nothing_is_accepted,
    },
    Scenario {
        name: "impostor",
        system: "tests/machines/systems/hand-over.toml",
        settings: &[Setting::X86_64, Setting::Mixed],
        run: impostor::nobody_is_believed,
    },
    Scenario {
        name: "capture",
        system: "systems/demo.toml",
        settings: &[Setting::Mixed],
        run: capture::is_readable,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_differ() {
        let names: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}
