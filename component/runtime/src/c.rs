//! What a component's C part calls, and how it is called: see `isthmus_interface::header`.
//!
//! Pointers come from C, which says what they point to; everything else is checked as in Rust.

use core::ffi::c_void;

use isthmus_abi::{Label, Outcome, Slot, limits};
use isthmus_interface::{Incoming, Outgoing, Transport};

use crate::calls::Kernel;
use crate::say;

/// How a call ended: `enum isthmus_status`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The reply's words are there.
    Ok = 0,
    /// The interface's own error; its number is in the first word.
    Error = 1,
    /// It certainly did not run; the reason's number is in the first word.
    NotExecuted = 2,
    /// It may have run; likewise.
    Unknown = 3,
}

/// Calls. `words` has room for 120; `length` of them are the request's, and then the reply's.
///
/// # Safety
/// Both pointers are valid for reading and writing, the first one for 120 words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn isthmus_call(
    to: u64,
    label: u64,
    words: *mut u64,
    length: *mut usize,
) -> Status {
    // SAFETY: by the contract of this function.
    let (words, length) = unsafe {
        (
            &mut *words.cast::<[u64; limits::MESSAGE_WORDS]>(),
            &mut *length,
        )
    };
    let mut buffer = [0; limits::MESSAGE_WORDS];
    let request = Outgoing {
        label: Label::from_bits(label),
        words: &words[..(*length).min(limits::MESSAGE_WORDS)],
        capability: None,
    };
    let answer = Kernel.call(Slot(to as u32), request, &mut buffer);
    let (status, word) = read(&answer);
    words[..answer.words.len()].copy_from_slice(answer.words);
    *length = answer.words.len();
    if let Some(word) = word {
        words[0] = word;
        *length = 1;
    }
    status
}

/// What an answer says, and the word that says why.
fn read(answer: &Incoming<'_>) -> (Status, Option<u64>) {
    let word = answer.words.first().copied().unwrap_or(0);
    match Outcome::of_answer(answer.label, word) {
        Ok(()) if answer.label == Label::REPLY => (Status::Ok, None),
        Ok(()) if answer.label == Label::REPLY_ERROR => (Status::Error, Some(word)),
        Ok(()) => (
            Status::Unknown,
            Some(isthmus_abi::Unknown::BadReply.code().into()),
        ),
        Err(Outcome::NotExecuted(reason)) => (Status::NotExecuted, Some(reason.code().into())),
        Err(Outcome::Unknown(reason)) => (Status::Unknown, Some(reason.code().into())),
    }
}

/// Sends a message that nobody answers.
///
/// # Safety
/// `words` is valid for reading `length` words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn isthmus_send(to: u64, label: u64, words: *const u64, length: usize) {
    // SAFETY: by the contract of this function.
    let words = unsafe { core::slice::from_raw_parts(words, length.min(limits::MESSAGE_WORDS)) };
    let message = Outgoing {
        label: Label::from_bits(label),
        words,
        capability: None,
    };
    Kernel.send(Slot(to as u32), message);
}

/// Says a line on the console; what is no UTF-8 is said to be none.
///
/// # Safety
/// `text` is valid for reading `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn isthmus_say(text: *const c_void, length: usize) {
    // SAFETY: by the contract of this function.
    let text = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), length) };
    match core::str::from_utf8(text) {
        Ok(text) => say!("{text}"),
        Err(_) => say!("(a line from C that is no UTF-8)"),
    }
}

/// Calls the component's C part, `void isthmus_main(uint64_t server, uint64_t number)`, with the slot of a capability and a number.
#[inline]
pub fn main(server: Slot, number: u64) {
    unsafe extern "C" {
        fn isthmus_main(server: u64, number: u64);
    }
    // SAFETY: the program has linked a C part with this signature; it keeps to the runtime's functions.
    unsafe { isthmus_main(server.bits(), number) }
}
