//! Questions to other machines: none is lost, and one silent machine does not take all workers.

use naming_logic::Questions;
use naming_logic::limits::{QUESTIONS, WORKERS};

#[test]
fn half_of_the_workers_ask_one_machine_at_most() {
    let mut questions = Questions::new();
    assert_eq!(questions.push(2, 0), Err(0), "without workers nobody waits");
    questions.begin(4);
    for number in 0..4 {
        questions.push(2, number).unwrap();
    }
    questions.push(3, 100).unwrap();
    assert_eq!(questions.next_job(), Some((0, 2, 0)));
    assert_eq!(questions.next_job(), Some((1, 2, 1)));
    assert_eq!(
        questions.next_job(),
        Some((2, 3, 100)),
        "another machine's goes first"
    );
    assert_eq!(questions.next_job(), None);
    assert!(questions.waiting().eq(&[2, 3]));
    questions.finish(1);
    assert_eq!(questions.next_job(), Some((1, 2, 2)), "in their order");
    questions.finish(0);
    questions.finish(99);
    assert_eq!(questions.next_job(), Some((0, 2, 3)));
    assert_eq!(questions.waiting().count(), 0);
}

#[test]
fn there_is_room_for_so_many() {
    let mut questions = Questions::new();
    questions.begin(1);
    for number in 0..QUESTIONS {
        questions.push(2, number).unwrap();
    }
    assert_eq!(questions.push(2, 99), Err(99));
    assert_eq!(
        questions.next_job(),
        Some((0, 2, 0)),
        "one worker is not halved"
    );
    questions.begin(WORKERS + 5);
    for worker in 0..WORKERS.div_ceil(2) {
        assert_eq!(questions.next_job(), Some((worker, 2, worker + 1)));
    }
    assert_eq!(questions.next_job(), None);
}
