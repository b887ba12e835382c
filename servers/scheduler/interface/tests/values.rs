//! How a process ended is written in one way, and nothing else is read as it.

use isthmus_interface::abi::ExitCode;
use isthmus_interface::{Reader, Wire, Writer};
use proptest::prelude::*;
use scheduler_interface::How;

fn how() -> impl Strategy<Value = How> {
    let code = any::<u32>().prop_map(ExitCode);
    prop_oneof![
        code.clone().prop_map(How::Returned),
        code.prop_map(How::Exited),
        Just(How::Faulted),
        Just(How::Panicked),
        Just(How::Stopped),
        Just(How::Killed),
        Just(How::WithAnother),
        Just(How::NotStarted),
    ]
}

proptest! {
    #[test]
    fn it_comes_back(how in how()) {
        let mut words = [0; How::MAX_WORDS];
        prop_assert_eq!(how.write(&mut Writer::new(&mut words)), Ok(()));
        let mut reader = Reader::new(&words);
        prop_assert_eq!(How::read(&mut reader), Ok(how));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn no_two_messages_mean_the_same(kind in 0u64..12, code in prop_oneof![0u64..3, any::<u64>()]) {
        if let Ok(how) = How::read(&mut Reader::new(&[kind, code])) {
            let mut words = [0; How::MAX_WORDS];
            prop_assert_eq!(how.write(&mut Writer::new(&mut words)), Ok(()));
            prop_assert_eq!(words, [kind, code]);
        }
    }
}
