//! Waiting for a future on a thread that may belong to any runtime, or to none.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until the future is ready. It must be driven by others: a connection's task.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::park();
    }
}

/// Sends what the future sends first, and does not wait for the answer.
pub(super) fn send<F: Future>(future: F) {
    let mut context = Context::from_waker(Waker::noop());
    // Not being ready is what is expected; errors show in the connection's next use.
    let _: Poll<F::Output> = pin!(future).poll(&mut context);
}
