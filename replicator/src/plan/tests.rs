//! Who the server takes us for.

use super::*;

#[test]
fn knows_the_id_that_the_server_makes_of_a_password() {
    // The superDigest of ZooKeeper's own AuthTest.java, whose password is "test".
    assert_eq!(digest_id("super:test").as_deref(), Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU="));
    assert_eq!(digest_id("no colon"), None);
}
