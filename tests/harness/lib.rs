//! What the tests, the benches and the demo stand on: real ZooKeeper servers, seeded trees, bounded waits.
