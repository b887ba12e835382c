//! Wrong input: each a clear error, and naming goes on.

use isthmus_runtime::abi::label::Way;
use isthmus_runtime::abi::slots::{CNODE, NOTIFICATION};
use isthmus_runtime::abi::{Label, NotExecuted, Outcome};
use isthmus_runtime::interface::{Anything, CallError, Method, Outgoing, Transport};
use isthmus_runtime::{Kernel, Slot, say, slots};
use naming_interface::{Access, Lease, NamingClient, NamingError, Reach, naming};
use remote_programs::Failure;

use crate::tools::{Tools, done, equal, holds, lease, look, path, refused};

/// Words of a path of one part of up to eight bytes.
const X: [u64; 2] = [1, b'x' as u64];
/// A path with a slash before it, which is not the form that paths are sent in.
const SLASH_X: u64 = u64::from_le_bytes(*b"/x\0\0\0\0\0\0");
/// A path that is not resolved.
const DOTS: u64 = u64::from_le_bytes(*b"..\0\0\0\0\0\0");
/// More than any table has room for.
const TOO_MANY: usize = 200;

pub fn all(tools: &Tools) -> Result<(), Failure> {
    messages(tools)?;
    capabilities(tools)?;
    paths(tools)?;
    tables(tools)
}

/// What naming answers to a message.
fn outcome(tools: &Tools, label: Label, words: &[u64], capability: Option<Slot>) -> Outcome {
    let mut buffer = [0; isthmus_runtime::abi::limits::MESSAGE_WORDS];
    let message = Outgoing {
        label,
        words,
        capability,
    };
    let answer = Kernel.call(tools.naming, message, &mut buffer);
    let first = answer.words.first().copied().unwrap_or(0);
    Outcome::of_answer(answer.label, first).map_or_else(
        |outcome| outcome,
        |()| Outcome::Unknown(isthmus_runtime::abi::Unknown::Other),
    )
}

/// What is wrong with a message, the message, and the reason that is given.
type Bad = (
    &'static str,
    Label,
    &'static [u64],
    Option<Slot>,
    NotExecuted,
);

fn messages(tools: &Tools) -> Result<(), Failure> {
    let lookup = naming::lookup::LABEL;
    let itself = tools.endpoint()?;
    let endpoint = itself.slot();
    let other = Label::method("naming call another() error E", 200, Way::Call);
    let older = Label::method("naming call lookup(path: Name) error E", 0, Way::Call);
    let bad: [Bad; 13] = [
        (
            "another method",
            other,
            &X,
            None,
            NotExecuted::UnknownMethod,
        ),
        (
            "another version",
            older,
            &X,
            None,
            NotExecuted::VersionMismatch,
        ),
        ("no words", lookup, &[], None, NotExecuted::BadArguments),
        (
            "too few words",
            lookup,
            &[9, 0],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "too many words",
            lookup,
            &[1, X[1], 0],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "no path",
            lookup,
            &[1, b'X' as u64],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "a slash before",
            lookup,
            &[2, SLASH_X],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "two dots",
            lookup,
            &[2, DOTS],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "too long",
            lookup,
            &[1 << 40, 0],
            None,
            NotExecuted::BadArguments,
        ),
        (
            "a capability too many",
            lookup,
            &X,
            Some(endpoint),
            NotExecuted::UnexpectedCapability,
        ),
        (
            "none",
            naming::register::LABEL,
            &[1, X[1], 1000, 0],
            None,
            NotExecuted::MissingCapability,
        ),
        (
            "lease too short",
            naming::register::LABEL,
            &[1, X[1], 1, 0],
            Some(endpoint),
            NotExecuted::BadArguments,
        ),
        (
            "reach out of range",
            naming::register::LABEL,
            &[1, X[1], 1000, 2],
            Some(endpoint),
            NotExecuted::BadArguments,
        ),
    ];
    for (what, label, words, capability, reason) in bad {
        equal(
            what,
            outcome(tools, label, words, capability),
            reason.into(),
        )?;
    }
    say!("wrong messages are refused");
    Ok(())
}

/// Capabilities of the wrong kind.
fn capabilities(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    // One of naming's own: a directory, where an entry is wanted.
    let result = root.register(path("x"), Lease::MAX, Reach::Machine, tools.naming);
    refused("naming itself", result, NamingError::IsADirectory)?;
    // What cannot be called is found, and says so when it is called.
    let bell = tools.notification()?.cast::<Anything>();
    done(
        "a notification",
        root.register(path("x"), Lease::MAX, Reach::Machine, bell),
    )?;
    let found = done("look-up", root.lookup(path("x")))?;
    let called = NamingClient::new(Kernel, found.cast()).unlink(path("x"));
    equal(
        "called",
        called,
        Err(CallError::Outcome(NotExecuted::NotAnEndpoint.into())),
    )?;
    done("unlink", root.unlink(path("x")))?;
    // Watchers that hear nothing, or do not receive, keep nobody waiting.
    let itself = tools.endpoint()?;
    for (what, watcher) in [
        ("an endpoint", itself.slot()),
        ("a CNode", CNODE),
        ("all of a notification", NOTIFICATION),
    ] {
        let watched = done(what, root.watch(path("/"), Lease::MAX, watcher))?;
        done("a change", root.create(path("x"), Lease::MAX))?;
        done("another", root.unlink(path("x")))?;
        done("unwatch", root.unwatch(path("/"), watched.id))?;
    }
    // A capability that is none.
    let empty = slots::allocate().map_err(|error| remote_programs::failure!("{error:?}"))?;
    let nobody = NamingClient::new(Kernel, empty).unlink(path("x"));
    equal(
        "no capability",
        nobody,
        Err(CallError::Outcome(NotExecuted::NotAnEndpoint.into())),
    )?;
    slots::free(empty);
    say!("wrong capabilities do no harm");
    Ok(())
}

fn paths(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    for (text, error) in [
        ("nothing", NamingError::NotFound),
        ("nothing/x", NamingError::NotFound),
        ("owner/x", NamingError::NotADirectory),
        ("/", NamingError::IsADirectory),
        ("shared", NamingError::IsADirectory),
        ("/node", NamingError::IsADirectory),
        ("/node/9/x", NamingError::NotFound),
        ("/node/x", NamingError::NotFound),
        ("/node/300/x", NamingError::NotFound),
    ] {
        refused(text, look(root, text), error)?;
    }
    let register = |text| tools.register(root, text, Lease::MAX, Reach::Machine);
    refused("the root", register("/"), NamingError::NotPermitted)?;
    refused("the machines", register("node"), NamingError::Reserved)?;
    refused("no directory", register("nothing/x"), NamingError::NotFound)?;
    refused("an entry", register("owner/x"), NamingError::NotADirectory)?;
    refused(
        "list an entry",
        root.list(path("owner"), None),
        NamingError::NotADirectory,
    )?;
    refused(
        "open an entry",
        root.open(path("owner"), Access::Read),
        NamingError::NotADirectory,
    )?;
    refused("not a peer", root.claims(None), NamingError::NotPermitted)?;
    say!("wrong paths are refused");
    Ok(())
}

/// Full tables.
fn tables(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    done("create", root.create(path("full"), Lease::MAX))?;
    let text = |number: usize| {
        let mut text = alloc::string::String::new();
        let _ = core::fmt::write(&mut text, format_args!("full/n{number}"));
        text
    };
    let mut registered = 0;
    let entries = (0..TOO_MANY).try_for_each(|number| {
        tools.register(root, &text(number), Lease::MAX, Reach::Machine)?;
        registered += 1;
        Ok::<(), CallError<NamingError>>(())
    });
    refused("entries", entries, NamingError::TooMany)?;
    done("the first is there", look(root, &text(0)))?;
    for number in 0..registered {
        done("unlink", root.unlink(path(&text(number))))?;
    }
    let watcher = tools.notification()?;
    let mut ids = [0; TOO_MANY];
    let mut watches = 0;
    let watched = ids.iter_mut().try_for_each(|id| {
        *id = root
            .watch(path("full"), lease(naming_programs::LEASE), &watcher)?
            .id;
        watches += 1;
        Ok::<(), CallError<NamingError>>(())
    });
    refused("watches", watched, NamingError::TooMany)?;
    for id in &ids[..watches] {
        done("unwatch", root.unwatch(path("full"), *id))?;
    }
    holds("all is gone", root.list(path("full"), None), &[])?;
    done("unlink", root.unlink(path("full")))?;
    say!("full tables are errors: {registered} entries, {watches} watches of one component");
    Ok(())
}
