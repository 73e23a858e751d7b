//! What is said of servers that give no session.

use super::*;

/// Such a server closes before our end of the connection was looked at, sometimes: the connect then fails with "broken
/// pipe" or "connection reset", and once the advice was lost with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_at_once_was_not_out_of_reach() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // Its end, and a reset behind it. Either may fail on a connection that the other side has given up.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            let _ = stream.set_zero_linger();
        }
    });
    for _ in 0..500 {
        let said = probe("127.0.0.1", address.port()).await;
        assert!(said.contains("maxClientCnxns"), "{said}");
    }
    server.abort();
}
