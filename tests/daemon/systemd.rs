//! What systemd is told (sd_notify(3)), and sockets that it hands over (sd_listen_fds(3)).

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::process::SUPPRESSD;
use crate::world::{World, bounce_of, free_address};

#[test]
fn systemd_is_told_of_start_reload_and_stop() {
    let mut world = World::start(); // which waits for READY=1
    let times = [(); 2].map(|()| {
        world.signal(Signal::SIGHUP);
        let told = world.told();
        assert_eq!(world.told(), "READY=1");
        let since = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{told}"));
        since.parse::<u64>().unwrap()
    });
    // Which counts the time asleep too, and so is never less.
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    assert!(0 < times[0] && times[0] < times[1] && times[1] / 1_000_000 <= uptime.ceil() as u64, "{times:?} {uptime}");
    world.home.write_config("nonsense");
    world.reload(); // READY=1 even so: it goes on
    world.signal(Signal::SIGTERM);
    assert_eq!(world.told(), "STOPPING=1");
    assert_eq!(world.ended().code(), Some(0));
}

#[test]
fn readiness_means_that_every_socket_answers() {
    let mut world = World::start();
    for _ in 0..5 {
        assert!(!world.refuses("nobody@example.com"));
        assert_eq!(world.connect().exchange(b"GET /sns HTTP/1.1\r\nhost: x\r\n\r\n").unwrap(), 405);
        assert!(world.stop().success());
        world.up();
    }
}

#[test]
fn sockets_of_systemd_are_used_by_their_address_and_the_others_closed() {
    let mut world = World::idle(&[]);
    let webhook = TcpListener::bind(world.http).unwrap();
    let lookup = UnixListener::bind(world.home.path("lookup.sock")).unwrap();
    std::fs::set_permissions(world.home.path("lookup.sock"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let surplus = TcpListener::bind(free_address()).unwrap();
    let unused = surplus.local_addr().unwrap();
    world.launch(activated(&world, [lookup.into(), webhook.into(), surplus.into()]));
    assert_eq!(world.post(&bounce_of("dead@example.com")), 200);
    assert!(world.refuses("dead@example.com"));
    let mode = std::fs::metadata(world.home.path("lookup.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "its rights are systemd's business");
    assert!(world.log().contains(&format!("systemd hands us {unused}, which the configuration does not name")));
    assert!(std::net::TcpStream::connect(unused).is_err());
    assert!(world.stop().success());
    assert!(world.home.path("lookup.sock").exists(), "systemd's socket stays");
}

/// The daemon with these sockets from descriptor 3 on, as systemd passes them.
fn activated(world: &World, sockets: [OwnedFd; 3]) -> Command {
    let mut command = Command::new("sh");
    let script = "exec 3<&0 4<&1 5<&2 </dev/null >/dev/null 2>>log; LISTEN_PID=$$ LISTEN_FDS=3 exec \"$0\" \"$@\"";
    command.args(["-c", script, SUPPRESSD]);
    command.arg("--config").arg(world.home.path("suppressd.toml")).arg("serve").current_dir(world.home.path(""));
    let [first, second, third] = sockets.map(|socket| Stdio::from(File::from(socket)));
    command.stdin(first).stdout(second).stderr(third);
    command
}
