use super::*;

fn line(addresses: &[&str]) -> Vec<Holder> {
    let holder =
        |address: &&str| Holder { name: "LOCKNODE0000000001".to_owned(), address: (*address).to_owned(), session: 1 };
    addresses.iter().map(holder).collect()
}

fn plan(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

#[tokio::test]
async fn names_that_lead_to_the_same_place_are_the_same() {
    let found = beside(&line(&["127.0.0.1:34601"]), &plan(&["localhost:34601"])).await;
    assert_eq!(found, Beside::default());
}

/// A healthy cluster was refused by a machine that does not know its names.
#[tokio::test]
async fn names_that_cannot_be_looked_up_make_no_strangers() {
    let found = beside(&line(&["meta.invalid:34601"]), &plan(&["127.0.0.1:34601"])).await;
    assert!(found.may_be_the_same(), "{found:?}");
    let found = beside(&line(&["meta.invalid:34601", "127.0.0.2:1"]), &plan(&["127.0.0.1:34601"])).await;
    assert!(!found.may_be_the_same(), "there is one too many: {found:?}");
    let found = beside(&line(&["127.0.0.2:34601"]), &plan(&["127.0.0.1:34601"])).await;
    assert!(!found.may_be_the_same(), "both are known, and not the same: {found:?}");
}
