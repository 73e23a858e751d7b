//! Lines of a migration.

use super::*;

#[test]
fn a_line_has_the_step_how_long_it_may_take_and_what_it_waits_for() {
    let teller = Teller::default();
    teller.of(10);
    teller.step(3, "pre-copy");
    assert_eq!(teller.inner().plain(), "step 3/10 pre-copy; waits: meta servers and hosts");
    teller.waits("copy the tree", Duration::from_secs(300));
    let progress = teller.counting("copy");
    progress.expect(10);
    let plain = teller.inner().plain();
    let wanted = "step 3/10 pre-copy, 0:00, max 5:00, copy 0 %, 0 read, 0 written; waits: copy the tree";
    assert_eq!(plain, wanted);
    let (fields, waits) = teller.inner().state().within(77);
    assert_eq!(fields + &waits, "step 3/10 pre-copy            0:00, max 5:00  waits: copy the tree");
    teller.waits("a leader", Duration::ZERO);
    assert!(teller.inner().plain().ends_with("0:00, copy 0 %, 0 read, 0 written; waits: a leader"));
    teller.step(4, "stop-followers");
    assert_eq!(teller.inner().plain(), "step 4/10 stop-followers; waits: meta servers and hosts");
}
