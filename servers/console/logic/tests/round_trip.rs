//! What the encoder writes, the decoder reads; and whatever comes in, nothing is taken for what it is not.

use console_logic::{Decoded, Entry, Line, Source, decode, encode, encode_record};
use isthmus_abi::log::{FRAME_BYTES, Kind};
use proptest::prelude::*;

const SOURCE: Source<'_> = Source {
    component: "netipc",
    thread: 3,
};

fn line(entry: Entry<'_>) -> String {
    let mut out = String::new();
    encode(&mut out, SOURCE, entry).expect("a String takes everything");
    out
}

fn only(text: &str) -> Line<'_> {
    let mut lines = decode(text);
    let first = lines.next().expect("every line is something");
    assert_eq!(lines.next(), None, "{text:?}");
    first
}

#[test]
fn plain_lines_are_plain() {
    assert_eq!(
        only("Booting all finished\r\n"),
        Line::Plain("Booting all finished")
    );
    assert_eq!(only(""), Line::Plain(""));
}

#[test]
fn an_entry_in_the_middle_of_a_line_is_found() {
    let text = format!("half a line{}", line(Entry::Lost(7)));
    let lines: Vec<_> = decode(&text).collect();
    assert_eq!(lines[0], Line::Plain("half a line"));
    let lost = Line::Entry {
        source: SOURCE,
        entry: Decoded::Lost(7),
    };
    assert_eq!(lines[1], lost);
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_component_cannot_speak_for_another() {
    let text = line(Entry::Text(
        b"hi\n\x1ekv-server :I am the server\x1b[2J\xff",
    ));
    let Line::Entry {
        source,
        entry: Decoded::Text(said),
    } = only(&text)
    else {
        panic!("{text:?}")
    };
    assert_eq!(source, SOURCE);
    assert_eq!(
        said,
        "hi\u{fffd}\u{fffd}kv-server :I am the server\u{fffd}[2J\u{fffd}"
    );
}

#[test]
fn broken_entries_are_garbled() {
    for text in [
        "\x1e",
        "\x1enetipc",
        "\x1enetipc ",
        "\x1eNETIPC :x",
        "\x1enetipc/999 :x",
        "\x1enetipc #*",
        "\x1enetipc =abc",
        "\x1enetipc !many",
        "\x1enetipc ?x",
    ] {
        assert!(matches!(only(text), Line::Garbled(_)), "{text:?}");
    }
}

#[test]
fn rubbish_in_a_ring_is_a_lost_record() {
    let too_long = [Kind::Defmt.code(); FRAME_BYTES + 2];
    for record in [&[][..], &[77, 1, 2], &[Kind::Lost.code(), 1], &too_long] {
        let mut out = String::new();
        encode_record(&mut out, SOURCE, record).expect("a String takes everything");
        let lost = Line::Entry {
            source: SOURCE,
            entry: Decoded::Lost(1),
        };
        assert_eq!(only(&out), lost);
    }
}

proptest! {
    #[test]
    fn frames_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..=FRAME_BYTES)) {
        let text = line(Entry::Frame(&bytes));
        prop_assert_eq!(text.lines().count(), 1);
        let Line::Entry { source, entry: Decoded::Frame(frame) } = only(&text) else { panic!("{text:?}") };
        prop_assert_eq!(source, SOURCE);
        prop_assert_eq!(frame.as_slice(), bytes.as_slice());
    }

    #[test]
    fn text_stays_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = line(Entry::Text(&bytes));
        let Line::Entry { source, entry: Decoded::Text(_) } = only(&text) else { panic!("{text:?}") };
        prop_assert_eq!(source, SOURCE);
    }

    #[test]
    fn build_ids_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..=32)) {
        let text = line(Entry::Announce { build_id: &bytes });
        let Line::Entry { entry: Decoded::Announce(id), .. } = only(&text) else { panic!("{text:?}") };
        prop_assert_eq!(id.as_slice(), bytes.as_slice());
    }

    #[test]
    fn nothing_panics(text in "\\PC*|[\x1e a-z/:#=!0-9]*") {
        for _ in decode(&text) {}
    }
}
