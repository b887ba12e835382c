//! The states of processes under random events, against a model; and the policy of restarts.

use isthmus_abi::{ComponentId, ExitCode};
use proptest::prelude::*;
use scheduler_interface::{Ended, How};
use scheduler_logic::limits::HEALTHY_MILLISECONDS;
use scheduler_logic::{NotStarted, Policy, Processes, Set, State};

const SERVER: ComponentId = ComponentId(1);
const CLIENT: ComponentId = ComponentId(2);
const OTHER: ComponentId = ComponentId(3);
const UNKNOWN: ComponentId = ComponentId(4);

/// Every way to end.
const HOWS: [How; 10] = [
    How::Returned(ExitCode::SUCCESS),
    How::Returned(ExitCode::FAILURE),
    How::Exited(ExitCode::SUCCESS),
    How::Exited(ExitCode(7)),
    How::Faulted,
    How::Panicked,
    How::Stopped,
    How::Killed,
    How::WithAnother,
    How::NotStarted,
];

fn on_failure(restarts: u16, with: Set) -> Policy {
    Policy::OnFailure {
        back_off: 100,
        longest: 1_000,
        restarts,
        with,
    }
}

fn processes(policy: Policy) -> Processes<u32, u32> {
    let mut all = Processes::new();
    all.add(SERVER, policy);
    all.add(CLIENT, Policy::Never);
    all.add(OTHER, on_failure(1, Set::EMPTY));
    all
}

#[test]
fn what_never_restarts_stays_ended() {
    let mut all = processes(Policy::Never);
    assert_eq!(all.state(SERVER), Some(State::Absent));
    all.start(SERVER, 5).unwrap();
    assert_eq!(all.start(SERVER, 5), Err(NotStarted::Running));
    assert_eq!(all.start(UNKNOWN, 5), Err(NotStarted::Unknown));
    all.end(SERVER, How::Faulted, 6).unwrap();
    assert_eq!(all.state(SERVER), Some(State::Ended(How::Faulted)));
    assert_eq!(all.end(SERVER, How::Killed, 6), None);
    assert_eq!((all.next_restart(), all.restart(u64::MAX)), (None, None));
    all.start(SERVER, 7).unwrap();
    assert_eq!(all.starts(SERVER), 2);
}

#[test]
fn the_back_off_doubles_up_to_its_limit_and_then_it_is_over() {
    let mut all = processes(on_failure(6, Set::EMPTY));
    let mut now = 0;
    all.start(SERVER, now).unwrap();
    for expected in [100, 200, 400, 800, 1_000, 1_000] {
        all.end(SERVER, How::Panicked, now).unwrap();
        assert_eq!(all.next_restart(), Some(now + expected));
        assert_eq!(all.restart(now + expected - 1), None);
        now += expected;
        assert_eq!(all.restart(now), Some(SERVER));
    }
    all.end(SERVER, How::Panicked, now).unwrap();
    assert_eq!(all.state(SERVER), Some(State::Ended(How::Panicked)));
}

#[test]
fn who_ran_long_enough_begins_anew() {
    let mut all = processes(on_failure(1, Set::EMPTY));
    all.start(SERVER, 0).unwrap();
    let mut now = 0;
    for _ in 0..5 {
        now += HEALTHY_MILLISECONDS;
        all.end(SERVER, How::Faulted, now).unwrap();
        now += 100;
        assert_eq!(all.restart(now), Some(SERVER));
    }
    all.end(SERVER, How::Faulted, now).unwrap();
    assert_eq!(all.state(SERVER), Some(State::Ended(How::Faulted)));
}

#[test]
fn what_was_stopped_or_ended_itself_is_not_restarted() {
    let [well, ill] = [ExitCode::SUCCESS, ExitCode(7)];
    for how in [How::Stopped, How::Exited(well), How::Returned(well)] {
        let mut all = processes(on_failure(9, Set::EMPTY));
        all.start(SERVER, 0).unwrap();
        all.end(SERVER, how, 0).unwrap();
        assert_eq!(all.state(SERVER), Some(State::Ended(how)));
    }
    for how in [How::Exited(ill), How::Returned(ill)] {
        let mut all = processes(on_failure(9, Set::EMPTY));
        all.start(SERVER, 0).unwrap();
        all.end(SERVER, how, 0).unwrap();
        assert_eq!(all.state(SERVER), Some(State::Waiting { until: 100, how }));
        assert_eq!(all.restart(100), Some(SERVER));
        assert_eq!(all.last_end(SERVER), Some(Ended { how, start: 1 }));
    }
    let mut all = processes(on_failure(9, Set::EMPTY));
    all.start(SERVER, 0).unwrap();
    all.end(SERVER, How::Faulted, 0).unwrap();
    all.forget_restart(SERVER);
    assert_eq!(all.restart(u64::MAX), None);
}

#[test]
fn dependants_go_down_with_it_and_come_up_after_it() {
    let mut all = processes(on_failure(9, [CLIENT, OTHER, SERVER].into_iter().collect()));
    all.start(OTHER, 0).unwrap();
    all.start(SERVER, 0).unwrap();
    all.start(CLIENT, 0).unwrap();
    let also = all.end(SERVER, How::Faulted, 50).unwrap();
    let also: Vec<_> = also.0.iter().collect();
    assert_eq!(also, [CLIENT, OTHER]);
    assert!(!all.is_running(CLIENT) && !all.is_running(OTHER));
    let how = How::WithAnother;
    assert_eq!(all.last_end(CLIENT), Some(Ended { how, start: 1 }));
    let order: Vec<_> = core::iter::from_fn(|| all.restart(150)).collect();
    assert_eq!(order, [SERVER, CLIENT, OTHER]);
    // Who does not run is left alone.
    all.end(CLIENT, How::Stopped, 151).unwrap();
    let also = all.end(SERVER, How::Faulted, 152).unwrap();
    assert_eq!(also.0.iter().collect::<Vec<_>>(), [OTHER]);
}

#[test]
fn waiters_are_answered_once_and_watchers_each_time() {
    let mut all = processes(Policy::Never);
    all.start(SERVER, 0).unwrap();
    all.wait(SERVER, 1).unwrap();
    all.wait(SERVER, 2).unwrap();
    all.wait(CLIENT, 3).unwrap();
    all.watch(SERVER, 10).unwrap();
    all.end(SERVER, How::Killed, 1).unwrap();
    let mut told: Vec<_> = core::iter::from_fn(|| all.take_waiter(SERVER)).collect();
    told.sort_unstable();
    assert_eq!(told, [1, 2]);
    assert_eq!(all.watchers(SERVER).collect::<Vec<_>>(), [&10]);
    assert_eq!(all.watchers(CLIENT).count(), 0);
    assert_eq!(all.take_watcher(|&watcher| watcher == 10), Some(10));
    assert_eq!(all.watchers(SERVER).count(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Start(u8),
    End(u8, u8),
    Restart,
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..5).prop_map(Step::Start),
        (0u8..5, 0u8..HOWS.len() as u8).prop_map(|(id, how)| Step::End(id, how)),
        Just(Step::Restart),
        (0u16..3000).prop_map(Step::Pass),
    ]
}

proptest! {
    /// What runs is what was started and has not ended since; nothing is started early, twice, or against its policy.
    #[test]
    fn what_runs_was_started_and_did_not_end(steps in prop::collection::vec(step(), 0..300)) {
        let mut all = processes(on_failure(3, Set::from_iter([CLIENT])));
        let mut running = std::collections::BTreeSet::new();
        let mut now = 0u64;
        for step in steps {
            match step {
                Step::Start(id) => {
                    let id = ComponentId(id);
                    let known = (1..=3).contains(&id.0);
                    let expected = match (known, running.contains(&id.0)) {
                        (false, _) => Err(NotStarted::Unknown),
                        (true, true) => Err(NotStarted::Running),
                        (true, false) => Ok(()),
                    };
                    prop_assert_eq!(all.start(id, now), expected);
                    if expected.is_ok() {
                        running.insert(id.0);
                    }
                }
                Step::End(id, how) => {
                    let id = ComponentId(id);
                    let how = HOWS[usize::from(how)];
                    let ended = all.end(id, how, now);
                    prop_assert_eq!(ended.is_some(), running.remove(&id.0));
                    if let Some(ended) = ended {
                        for other in ended.0.iter() {
                            prop_assert!(running.remove(&other.0));
                        }
                        let waits = matches!(all.state(id), Some(State::Waiting { .. }));
                        prop_assert!(!waits || (how.is_failure() && id != CLIENT));
                    }
                }
                Step::Restart => {
                    let due = all.next_restart().is_some_and(|at| at <= now);
                    let started = all.restart(now);
                    prop_assert_eq!(started.is_some(), due);
                    if let Some(id) = started {
                        prop_assert!(running.insert(id.0));
                    }
                }
                Step::Pass(time) => now += u64::from(time),
            }
            for id in 1..=3 {
                prop_assert_eq!(all.is_running(ComponentId(id)), running.contains(&id));
            }
        }
    }
}
