//! One machine: directories, renaming, unlinking, listing, watching, leases.

use core::time::Duration;

use isthmus_runtime::abi::NotExecuted;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{say, time};
use naming_interface::{Access, Kind, Lease, NamingError, Reach, Standing};
use remote_programs::{Failure, failure};

use crate::tools::{Heard, Tools, done, equal, holds, lease, look, path, refused};

/// For what is to be heard at once.
const SOON: Duration = Duration::from_secs(10);
/// For what is not to be heard.
const SILENCE: Duration = Duration::from_millis(100);
/// A lease that ends while the test looks on.
const SHORT: Duration = Duration::from_millis(300);
/// How late a busy host may be.
const STALL: Duration = Duration::from_secs(2);

pub fn all(tools: &Tools) -> Result<(), Failure> {
    views(tools)?;
    renaming(tools)?;
    watching(tools)?;
    leases(tools)?;
    revoking(tools)
}

/// A directory is a whole tree to who has it, and nothing leads out of it.
fn views(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    done("create", root.create(path("t"), Lease::MAX))?;
    done("create below", root.create(path("t/a"), Lease::MAX))?;
    let t = &tools.open(root, "t", Access::Change)?;
    let a = &tools.open(t, "a", Access::Change)?;
    done(
        "register",
        tools.register(a, "x", Lease::MAX, Reach::Machine),
    )?;
    for (view, text) in [
        (root, "/t/a/x"),
        (t, "a/x"),
        (a, "x"),
        (a, "../../x"),
        (t, "/../a/./x"),
    ] {
        done(text, look(view, text))?;
    }
    refused(
        "the whole path, from within",
        look(a, "t/a/x"),
        NamingError::NotFound,
    )?;
    refused(
        "out of the directory",
        look(a, "../x/../../t"),
        NamingError::NotFound,
    )?;
    holds("list", a.list(path("/"), None), &["x"])?;
    holds("list above", t.list(path(".."), None), &["a"])?;
    let listed = done("list", t.list(path("/"), None))?;
    equal("kind", listed.items[0].kind, Kind::Directory)?;
    let read = &tools.open(t, "/", Access::Read)?;
    done("read", look(read, "a/x"))?;
    refused(
        "write",
        tools.register(read, "y", Lease::MAX, Reach::Machine),
        NamingError::NotPermitted,
    )?;
    let opened = read.open(path("a"), Access::Change);
    refused("open to write", opened.map(drop), NamingError::NotPermitted)?;
    refused(
        "again",
        root.create(path("t"), Lease::MAX),
        NamingError::Exists,
    )?;
    say!("views are right");
    Ok(())
}

fn renaming(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    done("rename", root.rename(path("t/a"), path("b")))?;
    done("what was below", look(root, "b/x"))?;
    refused("the old name", look(root, "t/a/x"), NamingError::NotFound)?;
    refused(
        "into itself",
        root.rename(path("b"), path("b/c")),
        NamingError::IntoItself,
    )?;
    refused("not empty", root.unlink(path("b")), NamingError::NotEmpty)?;
    refused(
        "another's",
        root.unlink(path(naming_programs::OWNER)),
        NamingError::NotPermitted,
    )?;
    refused(
        "another's",
        root.rename(path(naming_programs::OWNER), path("o")),
        NamingError::NotPermitted,
    )?;
    let taken = tools.register(root, naming_programs::OWNER, Lease::MAX, Reach::Machine);
    refused("another's", taken, NamingError::Exists)?;
    done("unlink", root.unlink(path("b/x")))?;
    refused("unlinked", look(root, "b/x"), NamingError::NotFound)?;
    say!("renaming is right");
    Ok(())
}

/// A change is heard, several may be heard as one, and their number tells.
fn watching(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    let bell = tools.notification()?;
    let watched = done("watch", root.watch(path("b"), Lease::MAX, bell))?;
    equal("nothing yet", tools.listen(SILENCE), Heard::Nothing)?;
    done(
        "register",
        tools.register(root, "b/x", Lease::MAX, Reach::Machine),
    )?;
    equal("registered", tools.listen(SOON), Heard::InTime)?;
    done(
        "register",
        tools.register(root, "b/y", Lease::MAX, Reach::Machine),
    )?;
    done("unlink", root.unlink(path("b/x")))?;
    equal("two changes", tools.listen(SOON), Heard::InTime)?;
    equal("heard as one", tools.listen(SILENCE), Heard::Nothing)?;
    let changes = done("rewatch", root.rewatch(path("b"), watched.id, Lease::MAX))?;
    equal("changes", changes, watched.changes + 3)?;
    done("create", root.create(path("t/elsewhere"), Lease::MAX))?;
    equal("another directory", tools.listen(SILENCE), Heard::Nothing)?;
    done("unwatch", root.unwatch(path("b"), watched.id))?;
    done("unlink", root.unlink(path("b/y")))?;
    equal("unwatched", tools.listen(SILENCE), Heard::Nothing)?;
    refused(
        "no watch",
        root.unwatch(path("b"), watched.id),
        NamingError::NotFound,
    )?;
    say!("watching is right");
    Ok(())
}

/// What is not renewed is gone at the end of its lease, and watchers hear of it without anybody asking.
fn leases(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    let bell = tools.notification()?;
    let watched = done("watch", root.watch(path("b"), Lease::MAX, bell))?;
    let start = time::now();
    done(
        "register",
        tools.register(root, "b/x", lease(SHORT), Reach::Machine),
    )?;
    equal("registered", tools.listen(SOON), Heard::InTime)?;
    tools.sleep(SHORT / 3);
    let renewed = root.renew(path("b/x"), lease(SHORT));
    if let Err(error) = renewed {
        // Unless the host has stopped us for so long.
        if time::now() - start < SHORT {
            return Err(failure!("renew: {error}"));
        }
    } else {
        equal("renew", renewed, Ok(Standing::Holder))?;
    }
    let renewed = time::now();
    equal("the end", tools.listen(SOON), Heard::InTime)?;
    let took = time::now() - renewed;
    if took + Duration::from_millis(2) < SHORT || took > SHORT + STALL {
        return Err(failure!("a lease of {SHORT:?} has ended after {took:?}"));
    }
    refused("ended", look(root, "b/x"), NamingError::NotFound)?;
    refused(
        "renew",
        root.renew(path("b/x"), lease(SHORT)),
        NamingError::NotFound,
    )?;
    done("unwatch", root.unwatch(path("b"), watched.id))?;
    say!("leases are right");
    Ok(())
}

/// A directory that goes takes its capabilities with it, also those that were passed on.
fn revoking(tools: &Tools) -> Result<(), Failure> {
    let root = &tools.root();
    done("create", root.create(path("gone"), Lease::MAX))?;
    let change = &tools.open(root, "gone", Access::Change)?;
    let read = &tools.open(change, "/", Access::Read)?;
    holds("it is there", read.list(path("/"), None), &[])?;
    done("unlink", root.unlink(path("gone")))?;
    done("create", root.create(path("gone"), Lease::MAX))?;
    for gone in [change, read] {
        let answer = gone.list(path("/"), None).map(|_| ());
        let outcome = CallError::Outcome(NotExecuted::NotAnEndpoint.into());
        equal("a directory that is gone", answer, Err(outcome))?;
    }
    done("unlink", root.unlink(path("gone")))?;
    say!("revoking is right");
    Ok(())
}
