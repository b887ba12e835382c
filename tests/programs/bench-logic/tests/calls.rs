//! Questions and answers: nothing that was not looked at passes for an answer.

use bench_logic::{MESSAGE_WORDS, TWELVE, answer_to, question};

#[test]
fn questions_differ_between_rounds_and_words() {
    let words: Vec<u64> = (0..3).flat_map(question::<MESSAGE_WORDS>).collect();
    let mut different = words.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), words.len());
}

#[test]
fn an_answer_is_no_echo() {
    let question = question::<TWELVE>(7);
    let answer = answer_to(question);
    assert!(question.iter().zip(&answer).all(|(q, a)| *a == q + 1));
}
