//! nginx with a configuration, a port and a folder of its own; what the machine has set up for it is not touched.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tests::process::Process;

/// Debian has it where only root's PATH looks.
const PROGRAMS: [&str; 2] = ["/usr/sbin/nginx", "nginx"];

/// A start takes a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Nginx {
    program: &'static str,
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it to serve a folder.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        let program = PROGRAMS
            .into_iter()
            .find(|program| Command::new(program).arg("-v").output().is_ok())
            .context("nginx is not installed; tests/scripts/setup.sh nginx does that")?;
        let folder = TempDir::with_prefix("relctl-nginx-")?;
        // Free a moment ago, which is as much as can be known; nginx does not tell which port 0 became.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, configuration(address, root))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path);
        let nginx = Self {
            program,
            process: Process::start(command.args(["-e", "stderr"])),
            address,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                bail!("nginx does not answer\n{}", nginx.process.story());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Such as `nginx/1.22.1`.
    pub(crate) fn version(&self) -> Result<String> {
        let output = Command::new(self.program).arg("-v").output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(said
            .trim()
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_owned())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        self.process.signal("TERM");
        let _ = self.process.wait(PATIENCE);
    }
}

/// As its documentation tells those who serve large files, and nothing logged, as our daemon logs no request either.
fn configuration(address: SocketAddr, root: &Path) -> String {
    let root = root.display();
    // The folder belongs to who runs this; workers of another user could not read it.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        "{user}
daemon off;
worker_processes 2;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/java-archive;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {address};
        root \"{root}\";
    }}
}}
"
    )
}
