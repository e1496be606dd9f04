//! Lookups by several threads that serve on one socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::process::{PATIENCE, eventually};
use crate::world::World;

/// Connects and asks; `None` where the daemon has closed the connection instead.
fn answered(world: &World) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(world.home.path("lookup.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reply = [0; 12];
    let asked = stream.write_all(b"24:access alice@example.com,").and_then(|()| stream.read_exact(&mut reply));
    asked.ok().map(|()| {
        assert_eq!(&reply, b"9:NOTFOUND ,");
        stream
    })
}

#[test]
fn all_threads_together_take_no_more_connections_than_are_allowed() {
    let world = World::start_with(&[("lookup.max-connections", "6")]);
    let mut open: Vec<_> = (0..20).filter_map(|_| answered(&world)).collect();
    assert_eq!(open.len(), 6);
    open.truncate(2);
    eventually("there is room again", || {
        open.extend(answered(&world));
        open.len() == 6
    });
    assert!(answered(&world).is_none());
    assert!(world.log().contains("socketmap: too many connections"), "{}", world.log());
}
