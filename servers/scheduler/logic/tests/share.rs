//! Shares of the processor: over time nobody gets more of a busy one than its share, and who keeps to it is never lowered.

use proptest::prelude::*;
use scheduler_logic::share::{Share, Standing};

const PERIOD: u64 = 1_000_000;

#[test]
fn who_takes_everything_gets_its_share_of_a_busy_processor() {
    let mut share = Share::new(25, 0);
    let (mut reading, mut standing) = (0, Standing::Own);
    const PERIODS: u64 = 1_000;
    for _ in 0..PERIODS {
        // At its own priority it takes all there is; lowered it gets nothing, for others want it.
        if standing == Standing::Own {
            reading += PERIOD;
        }
        standing = share.period(reading, PERIOD);
    }
    let percent = reading * 100 / (PERIODS * PERIOD);
    assert!((24..=26).contains(&percent), "{percent}%");
}

proptest! {
    #[test]
    fn who_keeps_to_its_share_is_never_lowered(percent in 1u8..=100, used in prop::collection::vec(0u64..=100, 1..50)) {
        let mut share = Share::new(percent, 7);
        let mut reading = 7;
        for part in used {
            reading += PERIOD / 100 * u64::from(percent) * part / 100;
            prop_assert_eq!(share.period(reading, PERIOD), Standing::Own);
        }
    }

    #[test]
    fn a_debt_is_paid_off(percent in 1u8..=100, used in 0u64..10 * PERIOD) {
        let mut share = Share::new(percent, 0);
        share.period(used, PERIOD);
        let periods = used / (PERIOD / 100 * u64::from(percent)) + 1;
        let last = (0..periods).map(|_| share.period(used, PERIOD)).last();
        prop_assert_eq!(last, Some(Standing::Own));
    }
}
