//! Every kind of wrong message, to the key-value server's dispatch.

use isthmus_interface::mistreat::mistreat;
use kv_interface::{Key, Kv, KvError, RequestId, Totals, Value, kv};

struct Server;

impl Kv for Server {
    fn put(&mut self, _: RequestId, _: Key, _: Value) -> Result<u64, KvError> {
        Ok(1)
    }

    fn get(&mut self, _: RequestId, _: Key) -> Result<Value, KvError> {
        Ok([7; kv_interface::VALUE_BYTES].into_iter().collect())
    }

    fn count(&mut self, _: RequestId) -> Result<u64, KvError> {
        Err(KvError::NotCounted)
    }

    fn executed(&mut self, _: RequestId) -> Result<u32, KvError> {
        Ok(0)
    }

    fn totals(&mut self) -> Result<Totals, KvError> {
        Ok(Totals::default())
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(kv::METHODS, |request, answer| {
        kv::dispatch(&mut Server, request, answer)
    });
}
