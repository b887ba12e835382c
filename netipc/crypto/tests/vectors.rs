//! The two datagrams about keys, as `docs/netipc-frames.md` shows them to whoever writes another implementation.

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::cluster;
use netipc_crypto::update::{LENGTH, seal};
use netipc_crypto::{ClusterKeys, HAVE_LENGTH, Heard, Noise, Secret, Urgency, is_about_keys};
use netipc_protocol::{Instant, NodeId};

const HEADING: &str = "## Each datagram about keys";
const NOW: Instant = Instant::from_nanos(0);

/// An update of machine 2 that machine 1 passes on, and what machine 2 answers.
fn datagrams() -> [(&'static str, Vec<u8>); 2] {
    let administrator = Secret([0xad; 32]);
    let keys: [ClusterKeys; 3] = cluster(0x5e).map(|mut keys| {
        keys.administrator = Some(administrator.public());
        keys
    });
    let mut machines = keys.clone().map(|keys| Noise::new(keys, &[1; 32]));
    let next = ClusterKeys {
        shared: Secret([0x5f; 32]),
        generation: 2,
        ..keys[1].clone()
    };
    let sealed = seal(
        &administrator,
        &keys[1].public,
        &next,
        Urgency::AtOnce,
        [0xe9; 32],
    );
    let update = sealed.expect("keys are keys").to_vec();
    let kept = machines[0].hear(NOW, NodeId(254), &update);
    assert_eq!(kept, Ok(Heard::Kept(NodeId(2))));
    let mut buffer = [0; LENGTH];
    assert_eq!(
        machines[0].next_said(NOW, &mut buffer),
        Some((NodeId(2), LENGTH))
    );
    assert_eq!(buffer[..], update, "as it came");
    let taken = machines[1].hear(NOW, NodeId(1), &buffer);
    assert!(matches!(taken, Ok(Heard::Changed(_))), "{taken:?}");
    let answer = machines[1].next_said(NOW, &mut buffer);
    assert_eq!(answer, Some((NodeId(1), HAVE_LENGTH)));
    let have = buffer[..HAVE_LENGTH].to_vec();
    assert_eq!(
        machines[0].hear(NOW, NodeId(2), &have),
        Ok(Heard::Told(NodeId(2)))
    );
    assert!(is_about_keys(&update) && is_about_keys(&have));
    [("Update", update), ("Have", have)]
}

fn vectors() -> String {
    let mut text = String::new();
    for (name, datagram) in datagrams() {
        writeln!(text, "{name}").expect("text");
        for line in datagram.chunks(32) {
            let words: Vec<String> = line
                .chunks(8)
                .map(|eight| eight.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            writeln!(text, "    {}", words.join(" ")).expect("text");
        }
    }
    text
}

#[test]
fn the_page_shows_the_datagrams_that_are_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/netipc-frames.md");
    let text = std::fs::read_to_string(&page).expect("the page");
    let (before, section) = text.split_once(HEADING).expect("the section");
    let (head, rest) = section.split_once("```text\n").expect("a block of text");
    let (shown, after) = rest.split_once("```").expect("its end");
    let vectors = vectors();
    if std::env::var_os("BLESS").is_some() {
        let anew = format!("{before}{HEADING}{head}```text\n{vectors}```{after}");
        std::fs::write(&page, anew).expect("written");
    } else {
        assert!(shown == vectors, "BLESS=1 writes the page anew");
    }
}
