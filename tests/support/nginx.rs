//! A real nginx with the shipped location block, in front of whatever listens.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sns::pki::Pki;

pub struct Nginx {
    process: Child,
    /// Where it speaks TLS.
    pub tls: SocketAddr,
    /// Where it speaks in the clear.
    pub plain: SocketAddr,
}

impl Nginx {
    /// Passes on to `upstream`; `dir` must not exist.
    pub fn start(dir: &Path, upstream: SocketAddr) -> Self {
        let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let found = Command::new(top.join("packaging/nginx-for-tests")).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let program = String::from_utf8(found.stdout).unwrap();
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [tls, plain] = held.map(|listener| listener.local_addr().unwrap());
        fs::create_dir(dir).unwrap();
        let (certificate, key) = &Pki::shared().receiver;
        fs::write(dir.join("fullchain.pem"), certificate).unwrap();
        fs::write(dir.join("privkey.pem"), key).unwrap();
        let location = fs::read_to_string(top.join("packaging/nginx.conf")).unwrap();
        let to = "http://127.0.0.1:8025;";
        assert!(location.contains(to));
        let location = location.replace(to, &format!("http://{upstream};"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}/{name};\n", dir.display()))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\nclient_header_timeout 2s;\nclient_body_timeout 2s;\nkeepalive_timeout 2s;\n{temporary}server {{\nlisten {tls} ssl;\nlisten {plain};\n\
             ssl_certificate {at}/fullchain.pem;\nssl_certificate_key {at}/privkey.pem;\n{location}}}\n}}\n",
            at = dir.display()
        );
        fs::write(dir.join("nginx.conf"), config).unwrap();
        let command = || {
            let mut command = Command::new(program.trim_end());
            command.arg("-p").arg(dir).arg("-e").arg(dir.join("error.log")).arg("-c").arg(dir.join("nginx.conf"));
            command.stdin(Stdio::null());
            command
        };
        let tested = command().arg("-t").output().unwrap();
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
        let process = command().spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(plain).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, tls, plain }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
