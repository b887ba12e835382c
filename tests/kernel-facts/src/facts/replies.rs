//! Replies.

use sel4::{Error, MessageInfo, Word, cap_type, reply_with_mrs};

use crate::tester::{HIGH, LOW, Outcome, Tester, ensure, failure};
use crate::threads::Shared;

fn info(label: Word) -> MessageInfo {
    MessageInfo::new(label, 0, 0, 0)
}

/// Calls argument 0 and leaves the answer's label.
fn call(shared: &'static Shared) {
    let answer = shared
        .cap::<cap_type::Endpoint>(0)
        .call_with_mrs(info(0x1000), []);
    shared.set(0, answer.info.label());
}

/// Sends to argument 0.
fn send(shared: &'static Shared) {
    shared
        .cap::<cap_type::Endpoint>(0)
        .send_with_mrs(info(0x1000), []);
    shared.set(0, 1);
}

pub fn the_reply_is_in_the_receiver(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let client = tester.spawn(HIGH, call, &[endpoint.bits()])?;
    endpoint.recv_with_mrs(());
    reply_with_mrs(info(0x2000), []);
    ensure!(
        client.shared.result(0),
        0x2000,
        "the answer, for which no capability was named"
    );
    // Without a caller a reply does nothing.
    reply_with_mrs(info(0x3000), []);
    ensure!(
        client.shared.result(0),
        0x2000,
        "the answer after a second reply"
    );
    Ok(())
}

pub fn a_saved_reply_answers_once(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let client = tester.spawn(HIGH, call, &[endpoint.bits()])?;
    endpoint.recv_with_mrs(());
    let saved = tester.empty_slot();
    tester
        .at(saved)
        .save_caller()
        .map_err(failure("save the caller"))?;
    reply_with_mrs(info(0x3000), []);
    tester.let_others_run()?;
    ensure!(client.shared.result(0), 0, "the answer after a plain reply");
    saved
        .cast::<cap_type::Reply>()
        .send_with_mrs(info(0x2000), []);
    ensure!(
        client.shared.result(0),
        0x2000,
        "the answer through the saved reply"
    );
    ensure!(
        tester.probe(saved),
        Err(Error::FailedLookup),
        "its slot afterwards"
    );
    Ok(())
}

pub fn save_caller_after_send_leaves_the_slot_empty(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    tester.spawn(HIGH, send, &[endpoint.bits()])?;
    endpoint.recv_with_mrs(());
    let saved = tester.empty_slot();
    ensure!(tester.at(saved).save_caller(), Ok(()), "saving the caller");
    ensure!(tester.probe(saved), Err(Error::FailedLookup), "the slot");
    Ok(())
}

pub fn a_copy_probes_a_saved_reply(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let client = tester.spawn(HIGH, call, &[endpoint.bits()])?;
    endpoint.recv_with_mrs(());
    let saved = tester.empty_slot();
    ensure!(
        tester.probe(saved),
        Err(Error::FailedLookup),
        "the probe of an empty slot"
    );
    tester
        .at(saved)
        .save_caller()
        .map_err(failure("save the caller"))?;
    ensure!(
        tester.probe(saved),
        Err(Error::IllegalOperation),
        "the probe of a live reply"
    );
    ensure!(
        tester.probe(saved),
        Err(Error::IllegalOperation),
        "the second probe, so the first did no harm"
    );
    saved
        .cast::<cap_type::Reply>()
        .send_with_mrs(info(0x2000), []);
    ensure!(client.shared.result(0), 0x2000, "the answer");
    Ok(())
}

pub fn the_callers_death_deletes_its_saved_reply(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let client = tester.spawn(HIGH, call, &[endpoint.bits()])?;
    endpoint.recv_with_mrs(());
    let saved = tester.empty_slot();
    tester
        .at(saved)
        .save_caller()
        .map_err(failure("save the caller"))?;
    tester
        .at(client.tcb.cptr())
        .delete()
        .map_err(failure("delete the caller"))?;
    ensure!(
        tester.probe(saved),
        Err(Error::FailedLookup),
        "the saved reply"
    );
    let silence = endpoint.nb_recv_with_mrs(());
    ensure!(silence.badge, 0, "an event of it");
    Ok(())
}

pub fn the_servers_death_leaves_the_caller_waiting(tester: &mut Tester) -> Outcome {
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let elsewhere = tester.make::<cap_type::Endpoint>()?;
    let server = tester.spawn(HIGH, receive_twice, &[endpoint.bits(), elsewhere.bits()])?;
    let client = tester.spawn(LOW, call, &[endpoint.bits()])?;
    tester.let_others_run()?;
    ensure!(
        server.shared.result(0),
        1,
        "calls that the server has taken"
    );
    tester
        .at(server.tcb.cptr())
        .delete()
        .map_err(failure("delete the server"))?;
    tester.let_others_run()?;
    ensure!(client.shared.result(0), 0, "the answer");
    let again = endpoint.nb_recv_with_mrs(());
    ensure!(again.info.label(), 0, "the label of a repeated call");
    Ok(())
}

/// Receives from argument 0, and without answering from argument 1.
fn receive_twice(shared: &'static Shared) {
    shared.cap::<cap_type::Endpoint>(0).recv_with_mrs(());
    shared.count(0);
    shared.cap::<cap_type::Endpoint>(1).recv_with_mrs(());
}
