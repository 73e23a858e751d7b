//! Connections: accepted, led to the server, and ended as their pumps or the proxy's owner say.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{
    Direction, Ending,
    alarm::Alarm,
    pump::Pump,
    state::{Settings, Shared},
};

/// How long a connection that was closed waits for the other side's close.
const LINGER: Duration = Duration::from_secs(1);

/// Accepts connections until the proxy ends, and with it all of them.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut settings = shared.settings.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = settings.wait_for(|settings| settings.stopped) => return,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A client that has gone again; or no file descriptor is left, and then the next turn tries again.
                let Ok((client, _)) = accepted else { continue };
                let now = *shared.settings.borrow();
                if now.refuses {
                    refuse(&client, &shared);
                } else {
                    let (number, shared) = (shared.count_connection(), Arc::clone(&shared));
                    connections.spawn(async move {
                        carry(client, number, now, &shared).await;
                        shared.count_ended();
                    });
                }
            }
        }
    }
}

/// Carries a connection to its end. `at_start` is what was set when it was accepted.
async fn carry(mut client: TcpStream, number: u64, at_start: Settings, shared: &Arc<Shared>) {
    let (Ok(mut server), Ok(alarm), Ok(other)) =
        (TcpStream::connect(at_start.upstream).await, Alarm::new(), Alarm::new())
    else {
        return refuse(&client, shared);
    };
    for stream in [&client, &server] {
        // It fails where the other side has gone, and then nothing is left to hurry.
        let _gone = stream.set_nodelay(true);
    }
    let ending = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let pump = |direction, ends| Pump::new(shared, direction, number, at_start.hang_ups, ends).run();
        let to_server = pump(Direction::ToServer, (from_client, to_server, alarm));
        let to_client = pump(Direction::ToClient, (from_server, to_client, other));
        tokio::select! {
            done = async { tokio::try_join!(to_server, to_client) } => done.err(),
            ending = cut(shared, at_start.cuts) => Some(ending),
        }
    };
    match ending {
        Some(Ending::Reset) => [&client, &server].into_iter().for_each(reset),
        Some(Ending::Close) => close(client, server).await,
        None => {}
    }
}

/// Waits until the present connections are cut, and tells how.
async fn cut(shared: &Shared, cuts_at_start: u64) -> Ending {
    let mut settings = shared.settings.subscribe();
    let cut = settings.wait_for(|settings| settings.cuts != cuts_at_start).await;
    // Never an error: the sender is in `shared`.
    cut.map_or(Ending::Close, |settings| settings.ending)
}

fn refuse(client: &TcpStream, shared: &Shared) {
    reset(client);
    shared.count_refused();
}

/// Makes the drop of a connection a reset.
fn reset(stream: &TcpStream) {
    // It fails where the other side has reset the connection already.
    let _gone = stream.set_zero_linger();
}

/// Closes both sides in order. To drop a connection that has bytes to read would reset it, and take from its receiver
/// what was delivered last; so they are read, and lost, until both sides have closed too.
async fn close(mut client: TcpStream, mut server: TcpStream) {
    let finish = async |stream: &mut TcpStream| {
        // Failures are all the same: the other side has gone, which is what is waited for.
        let _gone = stream.shutdown().await;
        let mut lost = [0; 4_096];
        while stream.read(&mut lost).await.is_ok_and(|count| count > 0) {}
    };
    let both = async { tokio::join!(finish(&mut client), finish(&mut server)) };
    let _late = timeout(LINGER, both).await;
}
