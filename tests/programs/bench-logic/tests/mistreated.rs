//! Every kind of wrong message, to the dispatch of the benchmark's server.

use std::convert::Infallible;

use bench_logic::{Bench, Block, FOUR, MESSAGE_WORDS, TWELVE, bench};
use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Anything, Cap};

struct Server;

impl Bench for Server {
    fn nothing(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn four(&mut self, words: [u64; FOUR]) -> Result<[u64; FOUR], Infallible> {
        Ok(words)
    }

    fn twelve(&mut self, words: [u64; TWELVE]) -> Result<[u64; TWELVE], Infallible> {
        Ok(words)
    }

    fn full(&mut self, words: [u64; MESSAGE_WORDS]) -> Result<[u64; MESSAGE_WORDS], Infallible> {
        Ok(words)
    }

    fn executed(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn one(&mut self, word: u64) -> Result<u64, Infallible> {
        Ok(word)
    }

    fn take(&mut self, _: Cap<Anything>) -> Result<(), Infallible> {
        Ok(())
    }

    fn encoded(&mut self, block: Block) -> Result<Block, Infallible> {
        Ok(block)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(bench::METHODS, |request, answer| {
        bench::dispatch(&mut Server, request, answer)
    });
}
