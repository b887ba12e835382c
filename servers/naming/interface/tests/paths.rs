//! Paths are checked wherever they come from.

use isthmus_interface::{Reader, Wire, Writer};
use naming_interface::{BadPath, Name, PATH_BYTES, Path, Step, Target};
use proptest::prelude::*;

#[test]
fn paths_mean_what_they_say() {
    let target = |text| Path::new(text).unwrap().target();
    let kv = Name::new("kv").unwrap();
    assert_eq!(target("kv"), Target::Anywhere(kv.clone()));
    assert_eq!(target("/kv"), Target::Anywhere(kv.clone()));
    assert_eq!(
        target("/node/2/kv"),
        Target::On {
            node: 2,
            name: kv.clone(),
            consumed: 8
        }
    );
    assert_eq!(
        target("node/12/kv"),
        Target::On {
            node: 12,
            name: kv.clone(),
            consumed: 8
        }
    );
    assert_eq!(
        Path::new("/node/2/kv").unwrap().rest(8).unwrap().target(),
        Target::Anywhere(kv.clone())
    );
    assert_eq!(target("/node/2"), Target::Other);
    assert_eq!(Path::from(kv).as_str(), "kv");
}

#[test]
fn what_is_no_path_is_refused() {
    assert_eq!(Path::new(""), Err(BadPath::Empty));
    assert_eq!(Path::new("/"), Err(BadPath::Empty));
    assert_eq!(Path::new("//kv"), Err(BadPath::Empty));
    assert_eq!(Path::new("kv/"), Err(BadPath::Empty));
    assert_eq!(Path::new("Kv"), Err(BadPath::BadCharacter('K')));
    assert_eq!(Path::new("a b"), Err(BadPath::BadCharacter(' ')));
    assert_eq!(
        Path::new(&"a".repeat(PATH_BYTES + 1)),
        Err(BadPath::TooLong)
    );
    assert_eq!(Path::new("kv").unwrap().rest(9), Err(BadPath::Empty));
}

proptest! {
    #[test]
    fn any_words_are_read_without_harm(words in proptest::collection::vec(any::<u64>(), 0..20)) {
        if let Ok(path) = Path::read(&mut Reader::new(&words)) {
            prop_assert_eq!(Path::new(path.as_str()), Ok(path.clone()));
            let _ = path.target();
        }
        let _ = Step::read(&mut Reader::new(&words));
    }

    #[test]
    fn paths_and_steps_come_back(text in "(/?[a-z0-9_-]{1,10}){1,6}", node in 1u8.., consumed: u8) {
        let mut words = [0; 120];
        let value = (Path::new(&text).unwrap(), Step::Referral { node, consumed }, Step::Found);
        let mut writer = Writer::new(&mut words);
        value.write(&mut writer).unwrap();
        prop_assert_eq!(<(Path, Step, Step)>::read(&mut Reader::new(&words)), Ok(value));
    }
}
