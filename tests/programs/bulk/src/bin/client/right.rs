//! Everything goes well: what is lent is fetched and stored, and what a loan does not allow is refused.

use alloc::format;

use bulk_programs::{BorrowerClient, ServerError, fill, pattern, sum};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Kernel, memory, say, time};
use netipc_interface::Access;

use crate::{Checked, Client, Wrong, expect, report, wrong};

/// Cycles of lending, after which everything is as before.
const CYCLES: u64 = 20;

fn refused<T>(result: Result<T, CallError<ServerError>>, why: ServerError) -> Checked {
    match result {
        Err(CallError::Interface(error)) if error == why => Ok(()),
        Err(error) => wrong(format!("refused for another reason: {error}")),
        Ok(_) => wrong(format!("done, and not refused: {why}")),
    }
}

impl Client {
    pub(crate) fn right(&self) {
        let server = match self.find(bulk_programs::NAME) {
            Ok(server) => server,
            Err(Wrong(why)) => return say!("client: FAILED: {why}"),
        };
        report("fetching", self.fetching(&server));
        report("storing", self.storing(&server));
        report("refusals", self.refusals(&server));
        report("cycles", self.cycles(&server));
    }

    pub(crate) fn fetching(&self, server: &BorrowerClient<Kernel>) -> Checked {
        let (object, mapping) = self.object()?;
        fill(&mapping, self.bytes, 1)?;
        let lent = self.lend(&object, Access::Read)?;
        let start = time::now();
        let found = server.put(lent.capability())?;
        let took = time::now() - start;
        say!("{} bytes fetched in {} us", self.bytes, took.as_micros());
        expect("the sum", &found, &sum(&mapping, self.bytes)?)
    }

    pub(crate) fn storing(&self, server: &BorrowerClient<Kernel>) -> Checked {
        let (object, mapping) = self.object()?;
        let lent = self.lend(&object, Access::Write)?;
        let start = time::now();
        server.get(lent.capability(), 2)?;
        let took = time::now() - start;
        say!("{} bytes stored in {} us", self.bytes, took.as_micros());
        for index in 0..self.bytes / 8 {
            let word = mapping.word(index * 8)?;
            expect(&format!("word {index}"), &word, &pattern(2, index))?;
        }
        Ok(())
    }

    fn refusals(&self, server: &BorrowerClient<Kernel>) -> Checked {
        let (object, mapping) = self.object()?;
        fill(&mapping, self.bytes, 3)?;
        let before = sum(&mapping, self.bytes)?;
        let lent = self.lend(&object, Access::Read)?;
        refused(server.get(lent.capability(), 4), ServerError::NotPermitted)?;
        drop(lent);
        let lent = self.lend(&object, Access::ReadWrite)?;
        let beyond = server.overstep(lent.capability(), self.bytes - 8, 16);
        refused(beyond, ServerError::OutOfRange)?;
        // The proxy has it mapped already.
        if self.lend(&object, Access::Read).is_ok() {
            return wrong("an object was lent twice");
        }
        server.keep(lent.capability())?;
        drop(lent);
        refused(server.use_kept(), ServerError::Over)?;
        expect("the sum", &sum(&mapping, self.bytes)?, &before)
    }

    fn cycles(&self, server: &BorrowerClient<Kernel>) -> Checked {
        let memory = memory::server()?;
        let before = memory.statistics()?;
        for _ in 0..CYCLES {
            let (object, mapping) = bulk_programs::mapped(8192)?;
            fill(&mapping, 8192, 5)?;
            let lent = netipc_client::Lent::new(
                self.netipc,
                &object.capability(),
                (8, 5000),
                Access::ReadWrite,
            )?;
            server.put(lent.capability())?;
            server.get(lent.capability(), 6)?;
            expect("the word before", &mapping.word(0)?, &pattern(5, 0))?;
            expect("the first word", &mapping.word(8)?, &pattern(6, 0))?;
            expect("the word after", &mapping.word(5008)?, &pattern(5, 626))?;
        }
        expect("memory", &memory.statistics()?, &before)
    }
}
