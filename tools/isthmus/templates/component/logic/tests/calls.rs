//! The server's answers to typed calls, on this computer: `Loopback` carries them in place of the kernel.

use std::cell::RefCell;

use @CRATE@_interface::{@MODULE@, @TRAIT@Client, @TRAIT@Error, Guest};
use @CRATE@_logic::Greeter;
use isthmus_interface::abi::Slot;
use isthmus_interface::loopback::Loopback;
use isthmus_interface::{Answer, CallError, Request};

#[test]
fn guests_are_counted_and_who_has_no_name_is_refused() {
    let greeter = RefCell::new(Greeter::default());
    let server = Loopback(|_: Slot, request: &mut Request<'_>, answer: &mut Answer| {
        @MODULE@::dispatch(&mut *greeter.borrow_mut(), request, answer)
    });
    let client = @TRAIT@Client::new(server, Slot(1));
    let guest = |name: &str| Guest::try_from(name).expect("a short name");
    assert_eq!(client.greet(guest("Ada")), Ok(1));
    let refused = CallError::Interface(@TRAIT@Error::Nameless);
    assert_eq!(client.greet(guest("")), Err(refused));
    assert_eq!(client.greet(guest("Grace")), Ok(2));
}
