//! Paths and values are checked wherever they come from.

use std::time::Duration;

use isthmus_interface::{Reader, Wire, Writer};
use naming_interface::limits::{ITEMS_IN_PAGE, LEASE_MAX, LEASE_MIN, PART_BYTES, PATH_BYTES};
use naming_interface::{
    Access, BadLease, BadPath, Claim, Claims, Item, Kind, Lease, Listing, Part, Path, Reach,
    Standing, Watched,
};
use proptest::prelude::*;

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

#[test]
fn paths_have_one_form() {
    for (text, form) in [
        ("kv", "kv"),
        ("/kv", "kv"),
        ("/", ""),
        (".", ""),
        ("/apps/./kv", "apps/kv"),
        ("/apps/../kv", "kv"),
        ("..", ""),
        ("../../kv", "kv"),
        ("/a/b/../../../../c", "c"),
        ("/node/2/kv", "node/2/kv"),
        ("3", "3"),
    ] {
        assert_eq!(path(text).as_str(), form, "{text}");
    }
    assert_eq!(path("/a/kv").to_string(), "/a/kv");
    assert_eq!(
        Path::from(isthmus_interface::abi::Name::new("kv").unwrap()),
        path("kv")
    );
}

#[test]
fn what_is_no_path_is_refused() {
    for text in ["", "//kv", "kv/", "a//b", "//"] {
        assert_eq!(Path::new(text), Err(BadPath::Empty), "{text}");
    }
    assert_eq!(Path::new("Kv"), Err(BadPath::BadCharacter('K')));
    assert_eq!(Path::new("a b"), Err(BadPath::BadCharacter(' ')));
    assert_eq!(Path::new("..."), Err(BadPath::BadCharacter('.')));
    assert_eq!(
        Path::new(&"a".repeat(PART_BYTES + 1)),
        Err(BadPath::PartTooLong)
    );
    let long = vec!["a".repeat(PART_BYTES); 4].join("/");
    assert!(long.len() > PATH_BYTES);
    assert_eq!(Path::new(&long), Err(BadPath::TooLong));
    assert_eq!(
        path("a").join([long.as_str()]),
        Err(BadPath::BadCharacter('/'))
    );
    assert_eq!(Part::new("a/b"), Err(BadPath::BadCharacter('/')));
}

#[test]
fn paths_are_taken_apart() {
    assert_eq!(path("/").split_last(), None);
    assert_eq!(
        path("/a/b").split_last(),
        Some((path("/a"), Part::new("b").unwrap()))
    );
    assert_eq!(
        path("a").split_last(),
        Some((Path::ROOT, Part::new("a").unwrap()))
    );
    assert_eq!(path("/a/b/c").below(&path("/a")), Some("b/c"));
    assert_eq!(path("/ab/c").below(&path("/a")), None);
    assert_eq!(path("/a").below(&path("/a")), None);
    assert_eq!(path("/a/b").below(&Path::ROOT), Some("a/b"));
    assert_eq!(Path::ROOT.below(&Path::ROOT), None);
    assert_eq!(path("/a").join(["b", "c"]), Ok(path("/a/b/c")));
}

#[test]
fn leases_have_bounds() {
    assert_eq!(Lease::new(LEASE_MIN).unwrap().length(), LEASE_MIN);
    assert_eq!(Lease::new(LEASE_MAX), Ok(Lease::MAX));
    assert_eq!(Lease::new(Duration::ZERO), Err(BadLease));
    assert_eq!(
        Lease::new(LEASE_MAX + Duration::from_millis(1)),
        Err(BadLease)
    );
    let lease = Lease::new(Duration::from_secs(3)).unwrap();
    assert_eq!(lease.renew_after(), Duration::from_secs(1));
    assert!(Lease::read(&mut Reader::new(&[5])).is_err());
}

#[test]
fn a_full_page_says_where_the_next_begins() {
    let item = |number: usize| Item {
        name: Part::new(&format!("n{number:02}")).unwrap(),
        kind: Kind::Entry,
    };
    let mut listing = Listing::default();
    assert_eq!(listing.next(), None);
    for number in 0..ITEMS_IN_PAGE {
        assert_eq!(listing.next(), None);
        listing.items.push(item(number)).unwrap();
    }
    assert_eq!(listing.next().map(Part::as_str), Some("n15"));
}

fn comes_back<T: Wire + PartialEq + std::fmt::Debug>(value: T) {
    let mut words = vec![0; T::MAX_WORDS];
    let mut writer = Writer::new(&mut words);
    value.write(&mut writer).unwrap();
    let written = writer.written();
    let mut reader = Reader::new(&words[..written]);
    assert_eq!(T::read(&mut reader).unwrap(), value);
    reader.finish().unwrap();
}

proptest! {
    #[test]
    fn any_words_are_read_without_harm(words in proptest::collection::vec(any::<u64>(), 0..30), count in 0u64..4) {
        if let Ok(path) = Path::read(&mut Reader::new(&words)) {
            comes_back(path);
        }
        let _ = Lease::read(&mut Reader::new(&words));
        let _ = Standing::read(&mut Reader::new(&words));
        let _ = Listing::read(&mut Reader::new(&words));
        let counted: Vec<u64> = [7, count].into_iter().chain(words).collect();
        let _ = Claims::read(&mut Reader::new(&counted));
        let _ = Listing::read(&mut Reader::new(&counted[1..]));
    }

    #[test]
    fn values_come_back(text in "(/?[a-z0-9_-]{1,10}|/\\.\\.){1,6}", node: u8, left in 0u32..3_600_000, id: u32, changes: u64, count in 0usize..7) {
        let Ok(path) = Path::new(&text) else { return Ok(()); };
        let part = path.split_last().map(|(_, part)| part);
        comes_back((path.clone(), part.clone()));
        comes_back((Reach::Machine, Reach::Cluster, Access::Read, Access::Change));
        comes_back((Standing::Holder, Standing::Standby { node }));
        comes_back(Watched { id, changes });
        comes_back(Claims { incarnation: changes, claims: std::iter::repeat_n(Claim { path, left }, count).collect() });
        if let Some(name) = part {
            let kinds = [Kind::Entry, Kind::Directory, Kind::Elsewhere { node }, Kind::Machine];
            comes_back(Listing { items: kinds.into_iter().map(|kind| Item { name: name.clone(), kind }).collect() });
        }
    }
}
