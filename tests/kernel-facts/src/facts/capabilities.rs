//! Badges, revocation, cancelled sends.

use sel4::{CapRights, Error, MessageInfo, ObjectBlueprint, Word, cap, cap_type};

use crate::tester::{HIGH, Outcome, Tester, ensure, failure};
use crate::threads::Shared;

/// Calls argument 0; leaves the answer's label + 1.
fn call(shared: &'static Shared) {
    let answer = shared
        .cap::<cap_type::Endpoint>(0)
        .call_with_mrs(MessageInfo::new(0x1000, 0, 0, 0), []);
    shared.set(0, answer.info.label() + 1);
}

pub fn a_badge_is_for_good(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(endpoint, CapRights::all(), 5)?;
    let slot = tester.empty_slot();
    let minted = tester
        .at(slot)
        .mint(&tester.at(badged.cptr()), CapRights::all(), 6);
    ensure!(
        minted,
        Err(Error::IllegalOperation),
        "minting from what has a badge"
    );
    Ok(())
}

pub fn cancel_badged_sends_needs_all_rights(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    for (name, rights) in [
        ("read and write", CapRights::read_write()),
        ("write and grant", CapRights::new(true, true, false, true)),
        ("read and grant", CapRights::new(true, true, true, false)),
    ] {
        let badged = tester.mint(endpoint, rights, 5)?;
        ensure!(
            tester.at(badged.cptr()).cancel_badged_sends(),
            Err(Error::IllegalOperation),
            "cancelling with {name}"
        );
    }
    let badged = tester.mint(endpoint, CapRights::all(), 5)?;
    ensure!(
        tester.at(badged.cptr()).cancel_badged_sends(),
        Ok(()),
        "cancelling with all rights"
    );
    Ok(())
}

/// And a copy onto itself tells whether a slot is empty, and changes nothing.
pub fn a_revoked_badge_takes_every_copy(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let parent = tester.mint(endpoint, CapRights::all(), 5)?;
    let other = tester.mint(endpoint, CapRights::all(), 5)?;
    let copy = tester.copy(parent, CapRights::new(false, true, false, true))?;
    let copy_of_copy = tester.copy(copy, CapRights::all())?;
    let probe = |tester: &mut Tester, slot: cap::Endpoint| {
        let place = tester.at(slot.cptr());
        place.copy(&place, CapRights::all())
    };
    for (name, slot) in [("copy", copy), ("copy of a copy", copy_of_copy)] {
        ensure!(probe(tester, slot), Err(Error::DeleteFirst), "{name}");
    }
    // The copies can themselves revoke nothing.
    let revoked = tester.at(copy.cptr()).revoke();
    revoked.map_err(failure("revoke the copy"))?;
    ensure!(
        probe(tester, copy_of_copy),
        Err(Error::DeleteFirst),
        "the copy's copy, when the copy was revoked"
    );
    let revoked = tester.at(parent.cptr()).revoke();
    revoked.map_err(failure("revoke the parent"))?;
    for (name, slot, left) in [
        ("copy", copy, Error::FailedLookup),
        ("copy of a copy", copy_of_copy, Error::FailedLookup),
        ("parent", parent, Error::DeleteFirst),
        ("another with that badge", other, Error::DeleteFirst),
    ] {
        ensure!(probe(tester, slot), Err(left), "{name}");
    }
    Ok(())
}

pub fn cancelled_sends_are_issued_again(tester: &mut Tester) -> Outcome {
    const BADGE: Word = 5;
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let parent = tester.mint(endpoint, CapRights::all(), BADGE)?;
    let delivered = tester.copy(parent, CapRights::new(true, true, false, true))?;
    let other = tester.mint(endpoint, CapRights::all(), BADGE + 1)?;
    let client = tester.spawn(HIGH, call, &[delivered.bits()])?;
    let bystander = tester.spawn(HIGH, call, &[other.bits()])?;
    // Cancelled while its capability is there, a caller comes back by itself.
    tester
        .at(parent.cptr())
        .cancel_badged_sends()
        .map_err(failure("cancel"))?;
    ensure!(
        client.shared.result(0),
        0,
        "the answer after cancelling alone"
    );
    // Revoked first, it finds its slot empty.
    tester
        .at(parent.cptr())
        .revoke()
        .map_err(failure("revoke"))?;
    ensure!(
        client.shared.result(0),
        0,
        "the answer after revoking alone: a waiting caller stays"
    );
    tester
        .at(parent.cptr())
        .cancel_badged_sends()
        .map_err(failure("cancel"))?;
    ensure!(
        client.shared.result(0),
        2 + 1,
        "the answer after revoking and cancelling"
    );
    ensure!(
        endpoint.nb_recv_with_mrs(()).badge,
        BADGE + 1,
        "who waits still: the other badge"
    );
    ensure!(bystander.shared.result(0), 0, "the other's answer");
    Ok(())
}

pub fn a_revoked_untyped_is_whole_again(tester: &mut Tester) -> Outcome {
    let blueprint = ObjectBlueprint::Untyped { size_bits: 16 };
    let memory = tester.make_blueprint::<cap_type::Untyped>(&blueprint)?;
    let whole = ObjectBlueprint::Untyped { size_bits: 16 };
    let root = sel4::init_thread::slot::CNODE
        .cap()
        .absolute_cptr_for_self();
    for _ in 0..3 {
        let slot = tester.empty_slot();
        memory
            .untyped_retype(&whole, &root, slot.bits() as usize, 1)
            .map_err(failure("take all of it"))?;
        let second = tester.empty_slot();
        let again =
            memory.untyped_retype(&ObjectBlueprint::Endpoint, &root, second.bits() as usize, 1);
        ensure!(again, Err(Error::NotEnoughMemory), "taking more");
        tester
            .at(memory.cptr())
            .revoke()
            .map_err(failure("revoke"))?;
    }
    Ok(())
}
