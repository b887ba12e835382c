//! Nothing is found in a bounded number of cases; `./isthmus fuzz` runs more, and watches the heap.

use netipc_fuzz::{Counts, Options, Target, run};

fn clean(target: Target, cases: u64) -> Counts {
    let mut counts = Counts::default();
    for case in 0..cases {
        match run(target, case, &Options::default()) {
            Ok(more) => counts += more,
            Err(failure) => panic!("{target:?}, case {case}: {failure}"),
        }
    }
    counts
}

#[test]
fn parsers_survive_anything() {
    let counts = clean(Target::Parsers, 200);
    // What is thrown is near enough to what is legal.
    assert!(counts.accepted * 20 > counts.frames, "{counts:?}");
}

#[test]
fn an_outsider_has_no_effect() {
    let counts = clean(Target::Outsider, 12);
    assert!(
        counts.frames > 12 * 50 && counts.calls > 12 * 10,
        "{counts:?}"
    );
}

#[test]
fn a_mad_member_harms_itself_only() {
    let counts = clean(Target::Member, 60);
    assert!(counts.accepted * 20 > counts.frames, "{counts:?}");
    assert!(
        counts.frames > 60 * 50 && counts.calls > 60 * 50,
        "{counts:?}"
    );
}

#[test]
fn a_mad_voter_makes_nobody_panic() {
    let counts = clean(Target::Voter, 40);
    // What it says is believed often enough, and claims are answered.
    assert!(counts.accepted * 20 > counts.frames, "{counts:?}");
    assert!(counts.calls > 40, "{counts:?}");
}

#[test]
fn a_case_repeats_itself() {
    for target in Target::ALL {
        let options = Options::default();
        assert_eq!(run(*target, 7, &options), run(*target, 7, &options));
    }
}
