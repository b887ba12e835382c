//! Every kind of wrong message, to the chat room's dispatch.

use chat_interface::{Chat, ChatError, Line, Number, chat};
use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Cap, Later, Notification};

struct Room;

impl Chat for Room {
    fn say(&mut self, _: Line) -> Result<Number, ChatError> {
        Ok(1)
    }

    fn hear(&mut self, _: Number) -> Result<(Number, Line), ChatError> {
        Err(ChatError::Silence)
    }

    fn ring(&mut self, _: Cap<Notification>) -> Result<(), ChatError> {
        Ok(())
    }

    fn wait(&mut self, after: Number, later: Later<(Number, Line), ChatError>) {
        later.answer(Ok((after, Line::new())));
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(chat::METHODS, |request, answer| {
        chat::dispatch(&mut Room, request, answer)
    });
}
