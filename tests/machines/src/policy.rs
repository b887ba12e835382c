//! What may go from one machine to another is what the description's rules say, and nothing else: in answers, in calls, by hand-off, and of names.
//!
//! Machine 1 lets everything out to machine 2, and to machine 3 only what its holder lets out; machine 2 tells machine 3 no names
//! (`tests/machines/systems/policy.toml`). Whatever is kept back is said to be, with a reason of its own, and leaves no row behind.

use holder_interface::{FIRST_OBJECT, Holder, HolderClient, HolderError};
use isthmus_abi::{NotExecuted, Outcome, Unknown};
use isthmus_interface::{CallError, Cap};
use isthmus_testkit::{Agent, Failure};
use naming_interface::{Naming, NamingClient, NamingError, Path};

use crate::lab::Lab;
use crate::sites::{Called, Site};

/// More often than there are rows for capabilities between two machines.
const REFUSALS: usize = 140;

/// With what the test has made beside, nearly as many as there are rows.
const MADE: usize = 100;

const KEPT_BACK: Outcome = Outcome::Unknown(Unknown::NotPermitted);
const REFUSED: Outcome = Outcome::NotExecuted(NotExecuted::NotPermitted);

/// A name, as a component of this machine asks for it.
pub(crate) fn lookup(
    site: &Site<'_>,
    path: &str,
) -> Result<Result<Cap<dyn Holder>, CallError<NamingError>>, Failure> {
    let path = site.right("a path", Path::new(path))?;
    let naming = site.agent.granted::<dyn Naming>("naming")?;
    let found = NamingClient::new(&site.agent, naming).lookup(path);
    Ok(found.map(Cap::cast))
}

fn client<'s, 'm>(site: &'s Site<'m>, path: &str) -> Result<HolderClient<&'s Agent<'m>>, Failure> {
    let found = site.right(path, lookup(site, path)?)?;
    Ok(HolderClient::new(&site.agent, found))
}

fn is_kept_back<T: std::fmt::Debug, E: std::fmt::Debug + PartialEq>(
    site: &Site<'_>,
    what: &str,
    result: Result<T, CallError<E>>,
    wanted: Outcome,
) -> Result<(), Failure> {
    match result {
        Err(CallError::Outcome(outcome)) if outcome == wanted => Ok(()),
        other => Err(site.failure(format!("{what}: {other:?}, not {wanted:?}"))),
    }
}

fn runs(site: &Site<'_>, what: &str, capability: Cap<dyn Holder>) -> Result<(), Failure> {
    let client = HolderClient::new(&site.agent, capability);
    site.right(what, client.run(1)).map(drop)
}

pub(crate) fn holds(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(3)?.start()?;
    let sites = Site::all(&cluster)?;
    let [home, friend, guest] = &sites[..] else {
        return Err(cluster.failure("three machines were asked for"));
    };
    let before = home.statistics()?.not_permitted;

    // In answers of naming: by who has registered the name.
    let (holder, vault) = ("/node/1/holder", "/node/1/vault");
    let friends_vault = client(friend, vault)?;
    let guests_holder = client(guest, holder)?;
    for _ in 0..REFUSALS {
        is_kept_back(guest, "the vault", lookup(guest, vault)?, KEPT_BACK)?;
    }
    // In answers of others: by whose capability was called. It has run, and the server is none the worse.
    let made: Called<_> = friends_vault.make(FIRST_OBJECT);
    let vaults = friend.right("make", made)?;
    runs(friend, "the vault's", vaults.alias())?;
    let holders = guest.right("make", guests_holder.make(FIRST_OBJECT))?;
    runs(guest, "the holder's", holders.alias())?;

    // By hand-off: what the vault has let out is not for machine 3, however it comes there; what the holder has let out is.
    let friends_holder = client(friend, holder)?;
    let open = friend.right("make", friends_holder.make(FIRST_OBJECT + 1))?;
    let guests_own = client(friend, "/node/3/holder")?;
    let kept = guests_own.keep(1, &vaults);
    is_kept_back(friend, "the vault's, handed on", kept, REFUSED)?;
    friend.right("the holder's, handed on", guests_own.keep(1, &open))?;
    let shown = client(guest, "/node/3/holder")?.show(1);
    runs(guest, "what was handed on", guest.right("show", shown)?)?;
    // The same in an answer: machine 2 keeps both, and machine 3 cannot even ask it for names. Its holder is given to machine 3 by machine 2 itself.
    let own = client(friend, "/holder")?;
    friend.right("keep", own.keep(2, &vaults))?;
    friend.right("keep", own.keep(3, &open))?;
    friend.right(
        "keep",
        guests_own.keep(2, &friend.right("itself", lookup(friend, "/holder")?)?),
    )?;
    let far = client(guest, "/node/3/holder")?.show(2);
    let far = HolderClient::new(&guest.agent, guest.right("show", far)?);
    is_kept_back(guest, "the vault's, in an answer", far.show(2), KEPT_BACK)?;
    let shown = guest.right("the holder's, in an answer", far.show(3))?;
    runs(guest, "what was handed on in an answer", shown)?;
    // Who may hand nothing on: machine 3 has the holder's rightly, and gives it to nobody.
    let theirs: Called<_> = client(guest, "/node/1/holder")?.keep(4, &holders);
    guest.right("home again", theirs)?;
    let friends = HolderClient::new(
        &guest.agent,
        guest.right("itself", client(guest, "/node/3/holder")?.show(2))?,
    );
    is_kept_back::<_, HolderError>(
        guest,
        "handed on by a guest",
        friends.keep(5, &holders),
        REFUSED,
    )?;

    // Names.
    is_kept_back(
        guest,
        "machine 2's names",
        lookup(guest, "/node/2/holder")?,
        REFUSED,
    )?;
    friend.right("machine 3's names", lookup(friend, "/node/3/vault")?)?;

    let refused = home.statistics()?.not_permitted - before;
    if (refused as usize) < REFUSALS + 3 {
        return Err(home.failure(format!("{refused} refusals are counted")));
    }
    // Nothing of all that has taken a row.
    for object in (FIRST_OBJECT + 2..).take(MADE) {
        guest.right("a row is left", guests_holder.make(object))?;
    }
    Ok(())
}
