//! How a scan ends.

use super::*;
use crate::connect::Chroot;
use crate::error::Code;
use crate::options::Transport;
use crate::progress::Counts;
use crate::source::Visit;
use crate::znode::ZnodePath;

fn ended(unreadable: bool, vanished: u64) -> (u8, &'static str) {
    let mut census = Census::new(Chroot::none(), 1, 4_096);
    if unreadable {
        census.add(&Visit::Unreadable(ZnodePath::new("/shut"), Code::NO_AUTH));
    }
    let skipped = Counts { vanished, ..Counts::default() };
    let report = ScanReport { census, zxid: None, skipped, latencies: Vec::new(), elapsed: std::time::Duration::ZERO };
    told(&Ok(report))
}

fn told(scanned: &Result<ScanReport, Error>) -> (u8, &'static str) {
    let task = Task {
        command: "scan",
        source: "zk1:2181".to_owned(),
        target: String::new(),
        transport: Transport::Wire,
        acls: Acls::Preserved,
        include: Vec::new(),
        exclude: Vec::new(),
    };
    let account = Account { task: &task, scanned, resources: Resources::default() };
    assert_eq!(account.json()["exit_code"], account.exit_code());
    assert_eq!(account.text().is_empty(), scanned.is_err());
    (account.exit_code(), account.verdict())
}

#[test]
fn ends_as_a_verify_does() {
    assert_eq!(ended(false, 0), (exit::DONE, "done"));
    assert_eq!(ended(true, 1), (exit::ERROR, "not complete"));
    assert_eq!(ended(false, 1), (exit::NOT_PROVEN, "source changed"));
    assert_eq!(told(&Err(Error::new(ErrorKind::Interrupted, ""))), (exit::INTERRUPTED, "interrupted"));
    assert_eq!(told(&Err(Error::bad_input("wrong"))), (exit::ERROR, "failed"));
}
