//! Whatever is written is read again, fits its line, and nothing that is read panics.

use agent_protocol::{
    Answer, MARK, Message, REQUEST_BYTES, Request, RequestId, WORDS_IN_LINE, Way,
};
use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::log::TEXT_BYTES;
use isthmus_abi::{Label, Slot};
use proptest::prelude::*;

const ID: RequestId = RequestId(u32::MAX);

fn comes_back(request: &Request<'_>) {
    let mut line = String::new();
    request.write(ID, &mut line).expect("a string takes all");
    assert!(line.len() <= REQUEST_BYTES, "{} bytes", line.len());
    assert_eq!(
        Request::read(line.trim_end()),
        Ok((ID, request.clone())),
        "{line}"
    );
}

fn is_heard(answer: &Answer<'_>) {
    let mut line = String::new();
    answer.write(ID, &mut line).expect("a string takes all");
    assert!(line.len() <= TEXT_BYTES, "{} bytes", line.len());
    assert_eq!(Answer::read(&line), Ok((ID, answer.clone())), "{line}");
}

#[test]
fn the_longest_lines_fit() {
    comes_back(&Request::Message(Message {
        way: Way::Call,
        to: Slot(u32::MAX),
        label: Label::from_bits(u64::MAX),
        capability: Some(Slot(u32::MAX)),
        words: [u64::MAX; MESSAGE_WORDS].into_iter().collect(),
    }));
    is_heard(&Answer::Words(
        [u64::MAX; WORDS_IN_LINE].into_iter().collect(),
    ));
    is_heard(&Answer::Answered {
        label: Label::from_bits(u64::MAX),
        capability: Some(Slot(u32::MAX)),
        length: MESSAGE_WORDS,
    });
}

#[test]
fn every_kind_comes_back() {
    comes_back(&Request::Find("/node/2/hello"));
    comes_back(&Request::Granted("scheduler"));
    comes_back(&Request::Forget(Slot(7)));
    is_heard(&Answer::Found(Slot(7)));
    is_heard(&Answer::Done);
    is_heard(&Answer::Refused("there is no such name"));
}

proptest! {
    #[test]
    fn messages_come_back(
        to: u32,
        label: u64,
        capability: Option<u32>,
        words in proptest::collection::vec(any::<u64>(), 0..=MESSAGE_WORDS),
        calls: bool,
    ) {
        comes_back(&Request::Message(Message {
            way: if calls { Way::Call } else { Way::Send },
            to: Slot(to),
            label: Label::from_bits(label),
            capability: capability.map(Slot),
            words: words.into_iter().collect(),
        }));
    }

    #[test]
    fn nothing_that_is_read_panics(text: String) {
        let _ = Request::read(&text);
        let _ = Answer::read(&text);
        let marked = format!("{MARK}{text}");
        let _ = Request::read(&marked);
        let _ = Answer::read(&marked);
    }
}
