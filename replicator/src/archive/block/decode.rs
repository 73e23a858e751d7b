//! A block's bytes give its items, or what is wrong with them: nothing panics, and nothing takes more memory than the block
//! has bytes and items.

use bytes::Bytes;

use super::super::fields::{Fields, Malformed, malformed};
use super::{CHILDREN, CONTAINER, EPHEMERAL, Item, ItemRef, KIND, LEAVE, LENGTHS_BYTES, NULL, OWNED, TTL, WHAT, ZNODE};
use crate::limits;
use crate::znode::{Acl, AclEntry, Kind, Stat, Znode, ZnodePath, may_be_a_name};

/// Items of an unpacked payload; data is shared with it.
pub fn decode(raw: &Bytes) -> Result<Vec<Item>, Malformed> {
    let mut fields = Fields(raw);
    let lengths = Fields(fields.take(LENGTHS_BYTES)?);
    let [acl_bytes, items, row_bytes] = [0, 4, 8].map(|at| {
        let bytes = [lengths.0[at], lengths.0[at + 1], lengths.0[at + 2], lengths.0[at + 3]];
        u32::from_le_bytes(bytes) as usize
    });
    if items > limits::ARCHIVE_BLOCK_ITEMS_MAX {
        return malformed(format!("a block has {items} items"));
    }
    let acls = acls(Fields(fields.take(acl_bytes)?))?;
    let rows = Fields(fields.take(row_bytes)?);
    let data = raw.slice(LENGTHS_BYTES + acl_bytes + row_bytes..);
    let mut reader = Reader { rows, acls, data, path: ZnodePath::root(), path_bytes: 0, last: Stat::default() };
    let (mut decoded, mut weight) = (Vec::with_capacity(items), 0);
    for _ in 0..items {
        if weight >= limits::ARCHIVE_BLOCK_BYTES {
            return malformed("a block goes on when it is full");
        }
        let item = reader.item()?;
        weight += ItemRef::from(&item).weight();
        decoded.push(item);
    }
    if reader.rows.is_empty() && reader.data.is_empty() {
        Ok(decoded)
    } else {
        malformed("a block has more than its items")
    }
}

fn acls(mut fields: Fields<'_>) -> Result<Vec<Acl>, Malformed> {
    let mut acls = Vec::new();
    while !fields.is_empty() {
        if acls.len() == limits::ARCHIVE_BLOCK_ITEMS_MAX {
            return malformed("a block has more ACLs than items");
        }
        let entries = fields.number()?;
        let mut acl = Vec::new();
        for _ in 0..entries {
            let perms: u32 = fields.fitting()?;
            let perms = i32::from_ne_bytes(perms.to_ne_bytes());
            let (scheme, id) = (fields.text()?.into(), fields.text()?.into());
            acl.push(AclEntry { perms, scheme, id });
        }
        acls.push(Acl::new(acl));
    }
    Ok(acls)
}

/// Rows that are still to be read.
struct Reader<'a> {
    rows: Fields<'a>,
    acls: Vec<Acl>,
    data: Bytes,
    path: ZnodePath,
    /// How much of `path` the next one may share: none before the first.
    path_bytes: usize,
    last: Stat,
}

impl Reader<'_> {
    fn item(&mut self) -> Result<Item, Malformed> {
        let first = self.rows.byte()?;
        if first & WHAT == ZNODE {
            return self.znode(first).map(Item::Znode);
        }
        let path = self.path()?;
        match first {
            EPHEMERAL => Ok(Item::Ephemeral { path, owner: self.owner()? }),
            CHILDREN => Ok(Item::Children { parent: path, listed: self.rows.fitting::<u32>()? as usize }),
            LEAVE => Ok(Item::Leave(path)),
            _ => malformed("an item is of a kind that there is not"),
        }
    }

    fn znode(&mut self, first: u8) -> Result<Znode, Malformed> {
        if first & !(WHAT | NULL | KIND | OWNED) != 0 {
            return malformed("a znode has bits that mean nothing");
        }
        let path = self.path()?;
        let kind = match first & KIND {
            0 => Kind::Persistent,
            CONTAINER => Kind::Container,
            TTL => Kind::Ttl { ttl_ms: self.rows.signed()? },
            _ => return malformed("a znode is of a kind that there is not"),
        };
        let ephemeral_owner = if first & OWNED == 0 { 0 } else { self.owner()? };
        let acl = match self.rows.fitting::<usize>()? {
            0 => None,
            number => match self.acls.get(number - 1) {
                Some(acl) => Some(acl.clone()),
                None => return malformed("a znode has an ACL that is not there"),
            },
        };
        let data = if first & NULL == 0 { Some(self.data()?) } else { None };
        let rows = &mut self.rows;
        let czxid = self.last.czxid.wrapping_add(rows.signed()?);
        let mzxid = czxid.wrapping_add(rows.signed()?);
        let pzxid = czxid.wrapping_add(rows.signed()?);
        let ctime = self.last.ctime.wrapping_add(rows.signed()?);
        let mtime = ctime.wrapping_add(rows.signed()?);
        let (version, cversion, aversion, num_children) = (rows.int()?, rows.int()?, rows.int()?, rows.int()?);
        let data_length = data.as_ref().map_or(Ok(0), |data| i32::try_from(data.len()));
        let Ok(data_length) = data_length else { return malformed("a znode's data is longer than any can be") };
        self.last = Stat {
            czxid,
            mzxid,
            ctime,
            mtime,
            version,
            cversion,
            aversion,
            ephemeral_owner,
            data_length,
            num_children,
            pzxid,
        };
        Ok(Znode { path, data, acl, kind, stat: self.last })
    }

    fn owner(&mut self) -> Result<i64, Malformed> {
        let bytes = self.rows.take(8)?;
        Ok(i64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    fn data(&mut self) -> Result<Bytes, Malformed> {
        let len = self.rows.fitting::<usize>()?;
        if len > self.data.len() { malformed("it ends within a znode's data") } else { Ok(self.data.split_to(len)) }
    }

    fn path(&mut self) -> Result<ZnodePath, Malformed> {
        let shared = self.rows.fitting::<usize>()?;
        let rest = self.rows.text()?;
        let before = self.path.as_str();
        if shared > self.path_bytes || !before.is_char_boundary(shared) {
            return malformed("a path shares more than there is with the one before it");
        }
        let text = [&before[..shared], rest].concat();
        if text != "/" && !text.strip_prefix('/').is_some_and(|names| names.split('/').all(may_be_a_name)) {
            return malformed(format!("{text:?} is no path"));
        }
        self.path = ZnodePath::new(&text);
        self.path_bytes = text.len();
        Ok(self.path.clone())
    }
}
