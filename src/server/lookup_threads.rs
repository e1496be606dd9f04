//! The threads that answer lookups. They do nothing else, so that the system's scheduler lets them in between, whatever the
//! others are at. Each has a runtime and connections of its own: none wakes another for a question, which would cost as much as
//! the answer.

use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::store::Readers;

const THREADS: usize = 2;

/// They end when this is dropped.
pub(super) struct LookupThreads {
    runtimes: [Handle; THREADS],
    _running: [oneshot::Sender<()>; THREADS],
}

impl LookupThreads {
    /// Starts them. One that has nobody left to answer ends what was left open for the next question.
    pub(super) fn start(readers: &Arc<Readers>) -> io::Result<Self> {
        let [(first, running), (second, running_too)] = [start(readers)?, start(readers)?];
        Ok(Self { runtimes: [first, second], _running: [running, running_too] })
    }

    pub(super) const fn runtimes(&self) -> &[Handle; THREADS] {
        &self.runtimes
    }
}

fn start(readers: &Arc<Readers>) -> io::Result<(Handle, oneshot::Sender<()>)> {
    let readers = Arc::clone(readers);
    let runtime = Builder::new_current_thread().on_thread_park(move || readers.rest()).enable_all().build()?;
    let handle = runtime.handle().clone();
    let (running, ended) = oneshot::channel();
    std::thread::Builder::new().name("lookup".into()).spawn(move || runtime.block_on(ended))?;
    Ok((handle, running))
}
