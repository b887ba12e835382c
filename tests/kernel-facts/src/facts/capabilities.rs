//! Badges, revocation, cancelled sends.

use sel4::{CapRights, Error, MessageInfo, ObjectBlueprint, Word, cap_type};

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
